// sources: what is protected. One contract (source.ts), one folder per kind, one registry.
export {
  type ConnectionSettings,
  describeConnection,
  parseConnectionUrl,
} from './postgres/connection-settings.ts';
export type { BackupSummary, Finding, Source, SourceContext, StreamState } from './source.ts';
