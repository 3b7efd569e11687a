import { silentProgress } from '../../../core/index.ts';
import type { Snapshot } from '../../../repository/index.ts';
import type { BackupSummary, Finding, Source, SourceContext } from '../../source.ts';
import { snapshotsOfKind } from '../../source-tags.ts';
import { type ConnectionSettings, describeConnection } from '../connection-settings.ts';
import { backupDumps } from './backup-dumps.ts';
import { examineDumps } from './examine-dumps.ts';

export interface DumpSourceSettings {
  readonly kind: 'postgres-dump';
  readonly name: string;
  readonly connection: ConnectionSettings;
  /** Default: all. */
  readonly databases?: readonly string[];
  /** Of pg_dump; default: looked for. */
  readonly programsFolder?: string;
}

/**
 * Databases of a PostgreSQL server as logical dumps. Without a log: it can be restored as it was at a dump, and what was written since
 * the last one is lost with the server.
 */
export class DumpSource implements Source {
  readonly kind = 'postgres-dump';
  readonly name: string;
  readonly settings: DumpSourceSettings;

  constructor(settings: DumpSourceSettings) {
    this.settings = Object.freeze({ ...settings });
    this.name = settings.name;
  }

  describe(): string {
    return describeConnection(this.settings.connection);
  }

  async backup(context: SourceContext): Promise<BackupSummary> {
    const [former] = await this.snapshots({ ...context, progress: silentProgress });
    const { connection, databases, programsFolder } = this.settings;
    const what = { source: this.name, connection, databases, programsFolder, former };
    return await backupDumps({ ...context, ...what });
  }

  async hasBackup(context: SourceContext): Promise<boolean> {
    return (await this.snapshots({ ...context, progress: silentProgress })).length > 0;
  }

  /** Newest first. */
  snapshots({ repository, progress }: SourceContext): Promise<readonly Snapshot[]> {
    return snapshotsOfKind(repository, 'postgres-dump', this.name, progress);
  }

  doctor({ signal }: Partial<SourceContext> = {}): Promise<readonly Finding[]> {
    return examineDumps(this.settings, signal);
  }
}
