import type { ErrorCode } from '../core/index.ts';
import type { BackupSummary, StreamState } from '../sources/index.ts';

/** What the service tells whoever watches it. */
export type ServiceEvent =
  | { readonly type: 'service-started'; readonly sources: readonly string[] }
  | { readonly type: 'service-stopped' }
  | ({ readonly type: 'stream' } & StreamState)
  | { readonly type: 'backup-started'; readonly source: string; readonly reason: string }
  | ({ readonly type: 'backup' } & BackupSummary)
  | { readonly type: 'next-backup'; readonly source: string; readonly time: Date }
  | { readonly type: 'catalog'; readonly source: string; readonly databases: number }
  | {
      /** Something a person should look at; the service goes on by itself. */
      readonly type: 'alarm';
      readonly source: string;
      readonly code: ErrorCode;
      readonly message: string;
      readonly hint?: string;
      /** What the service does about it. */
      readonly action: string;
    };
