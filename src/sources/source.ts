import type { ErrorCode, LifeboatError, Progress } from '../core/index.ts';
import type { Repository, SnapshotId } from '../repository/index.ts';
import type { Drift } from './postgres/baseline/drift.ts';

/** A further repository that a backup goes to. Whoever gives it closes it. */
export interface OtherRepository {
  readonly name: string;
  open(): Promise<Repository>;
}

/** What became of a backup in a further repository. */
export type StoredElsewhere =
  | { readonly repository: string; readonly snapshot: SnapshotId }
  | { readonly repository: string; readonly problem: string };

export interface SourceContext {
  readonly repository: Repository;
  /** Fed by the same reading of the source (kinds that can). One that fails is a warning. */
  readonly alsoTo?: readonly OtherRepository[];
  /** How long a backup waits for a lock that another program holds. Default: not at all. */
  readonly lockWaitMs?: number;
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
  /** Somebody is there to see the progress, so that it may cost a little to know the total. */
  readonly isWatched?: boolean;
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
  /** Further repositories that were to have the snapshot. */
  readonly elsewhere?: readonly StoredElsewhere[];
  /** Why the snapshot looks as if something had happened to the source. It is stored all the same. */
  readonly flagged?: readonly string[];
  /** What looks like a loss in the tables of the source, and was not known before. */
  readonly drift?: readonly Drift[];
}

/** What a record of the catalog has brought to light. */
export interface CatalogSummary {
  readonly databases: number;
  readonly drift: readonly Drift[];
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
  readonly kind: SourceKind;
  describe(): string;
  backup(context: SourceContext): Promise<BackupSummary>;
  /** Whether the repository holds a backup of it. */
  hasBackup(context: SourceContext): Promise<boolean>;
  /** Without a repository (none opens) what is stored is not looked at. */
  doctor(context?: Partial<SourceContext>): Promise<readonly Finding[]>;
  /** Only of kinds with a record of every change; the others can be restored as they were at a backup. */
  readonly log?: SourceLog;
}

export type SourceKind = 'postgres' | 'postgres-dump' | 'files' | 'volume';

/** The log of a source, as far as the service has to do with it. */
export interface SourceLog {
  /** Streams the log until the signal aborts. Reconnects by itself; rejects only when it cannot go on. */
  stream(
    context: SourceContext & { readonly onState: (state: StreamState) => void },
  ): Promise<void>;
  /**
   * After the stream ended with `postgres.slot-lost`, which is `lost`: lets it begin anew behind the gap. A new backup must follow.
   * Resolves with what is missing, if anything is.
   */
  renewStream(
    context: SourceContext & { readonly lost: LifeboatError },
  ): Promise<LogGap | undefined>;
  /**
   * Whether the log goes on behind a hole after the newest backup: then nothing later than the hole can be restored until there
   * is a newer backup.
   */
  hasGapAfterBackup(context: SourceContext): Promise<boolean>;
  /** Looks what the names in it mean now and how much is in its tables, and stores as records what is new of it. */
  recordCatalog(context: SourceContext): Promise<CatalogSummary>;
  /** Where the server hands over its log itself, and takes it back for a recovery. */
  readonly archive?: SourceArchive | undefined;
  /** What is not right with the stream, as far as a backup depends on it: without one nothing later can be restored. */
  streamWarning(signal: AbortSignal | undefined): Promise<string | undefined>;
}

export interface SourceArchive {
  /** Nothing is streamed: the log comes this way alone. */
  readonly isAlone: boolean;
  /** Serves the requests of the server until the signal aborts. */
  serve(
    context: SourceContext & { readonly onOutcome: (outcome: ArchiveOutcome) => void },
  ): Promise<void>;
}

/** What became of a request of the server. */
export interface ArchiveOutcome {
  readonly operation: 'put' | 'get';
  /** Why it was refused or could not be done; undefined: it went well. */
  readonly error: unknown;
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
  /** What the server had written before this moment is in the spool: the loss of its host cannot take it. */
  readonly writtenUntil?: Date;
  /** The same of the repository: nor can the loss of both hosts. */
  readonly flushedUntil?: Date;
  /** Median of the last few hundred: from when the server told of WAL to when it was written, and flushed. */
  readonly writtenMs?: number;
  readonly flushedMs?: number;
  /** As the server tells by SQL, now and then. */
  readonly slot?: StreamSlot;
  readonly problem?: string;
  /** What a person should look at before it becomes a loss. */
  readonly alarms?: readonly StreamAlarm[];
}

/** The replication slot of a stream, and whether commits of the server wait for us. */
export interface StreamSlot {
  readonly name: string;
  /** `reserved`, `extended`, `unreserved`, `lost`; absent when there is none. */
  readonly walStatus?: string;
  readonly heldBytes: number;
  /** How much more the server can write before the slot is lost. */
  readonly safeBytes?: number;
  readonly limitBytes?: number;
  readonly invalidation?: string;
  readonly syncState?: string;
  readonly commitLevel: string;
  /** Commits that wait for a standby just now. */
  readonly commitsWaiting: number;
}

export interface StreamAlarm {
  readonly code: ErrorCode;
  /** `late`: little time is left. */
  readonly level: 'early' | 'late';
  readonly message: string;
  readonly hint: string;
  /** What is done about it. */
  readonly action: string;
}

/** Of the log, what no one has any more. Positions as text. */
export interface LogGap {
  readonly timeline: number;
  readonly start: string;
  readonly end: string;
}
