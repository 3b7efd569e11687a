import type { Progress } from '../core/index.ts';
import type { Repository, SnapshotId } from '../repository/index.ts';

export interface SourceContext {
  readonly repository: Repository;
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
}

export interface BackupSummary {
  readonly source: string;
  readonly snapshot: SnapshotId;
  readonly bytesTotal: number;
  readonly bytesNew: number;
  readonly bytesStored: number;
  readonly filesTotal: number;
  readonly durationMs: number;
  /** Things the user must know although the snapshot is stored. Not empty means exit code 3. */
  readonly warnings: readonly string[];
}

/** One finding of `doctor`. */
export interface Finding {
  readonly check: string;
  readonly outcome: 'ok' | 'warning' | 'problem';
  /** What is the case. */
  readonly fact: string;
  /** What to do, word for word where possible. Empty when ok. */
  readonly remedy: string;
}

/** One protected thing. Every kind implements this; `registry.ts` lists the kinds. */
export interface Source {
  readonly name: string;
  readonly kind: 'postgres';
  describe(): string;
  backup(context: SourceContext): Promise<BackupSummary>;
  /** Streams the log until the signal aborts. Reconnects by itself; rejects only when it cannot go on. */
  stream(
    context: SourceContext & { readonly onState: (state: StreamState) => void },
  ): Promise<void>;
  /** After the stream ended with `postgres.slot-lost`: lets it begin anew behind the gap. A new backup must follow. */
  renewStream(context: SourceContext): Promise<void>;
  /** Whether the repository holds a backup of it. */
  hasBackup(context: SourceContext): Promise<boolean>;
  /**
   * Whether the log goes on behind a hole after the newest backup: then nothing later than the hole can be restored until there
   * is a newer backup.
   */
  hasGapAfterBackup(context: SourceContext): Promise<boolean>;
  /** Stores what the names in it mean now, as a record. Resolves with the number of databases. */
  recordCatalog(context: SourceContext): Promise<number>;
  doctor(signal?: AbortSignal): Promise<readonly Finding[]>;
}

/** How far a log is, in positions of the source, for `serve`, `status` and the demo. */
export interface StreamState {
  readonly source: string;
  readonly phase: 'connecting' | 'streaming' | 'waiting' | 'stopped';
  /** fsynced in the spool. */
  readonly written?: bigint;
  /** Durable in the repository. */
  readonly flushed?: bigint;
  /** The server's own end of log, as last heard. */
  readonly serverEnd?: bigint;
  readonly problem?: string;
}
