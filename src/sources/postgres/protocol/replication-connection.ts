import type { Lsn } from '../../../wal/index.ts';
import type { ConnectionSettings } from '../connection-settings.ts';

/** One result set of the simple query protocol; values are text. */
export interface QueryResult {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
}

/** What a command that mixes result sets and COPY streams (BASE_BACKUP) delivers, in order. */
export interface CopyOutHandler {
  /** A whole result set. */
  onResult(result: QueryResult): void | Promise<void>;
  /** The n-th CopyOut (0, 1, ...) begins. */
  onCopyBegin(index: number): void | Promise<void>;
  /**
   * One CopyData payload. The view is only valid until the returned promise settles (or, without a promise, until
   * return); a promise holds the socket back.
   */
  onCopyData(payload: Uint8Array): void | Promise<void>;
  onCopyEnd(index: number): void | Promise<void>;
}

export interface StreamMessage {
  /** Position of the first byte of `payload`. */
  readonly start: Lsn;
  /** The server's end of WAL when it sent this. */
  readonly serverEnd: Lsn;
  /** Server clock, microseconds since 2000-01-01. */
  readonly serverTimeUs: bigint;
  /** Valid until the handler's promise settles. */
  readonly payload: Uint8Array;
}

/** A connection in replication mode. Errors: `postgres.unreachable`, `.refused`, `.no-replication`, `.query`
 * (context `sqlstate`), `.connection-lost`, `.protocol`. Disposal closes the socket at once. */
export interface ReplicationConnection extends AsyncDisposable {
  /** Of the one server that it leads to: what belongs together has to ask the same. */
  readonly settings: ConnectionSettings;
  /** server_version_num. */
  readonly serverVersion: number;
  identifySystem(): Promise<{ systemId: string; timeline: number; flushLsn: Lsn }>;
  show(name: string): Promise<string>;
  query(command: string): Promise<readonly QueryResult[]>;
  /** Runs a command that answers with COPY streams. */
  copyOut(command: string, handler: CopyOutHandler): Promise<void>;
  /** Runs START_REPLICATION; ends when the server ends the timeline or the signal aborts. */
  startPhysicalReplication(options: StartReplication): Promise<ReplicationEnd>;
}

export interface StartReplication {
  readonly slot?: string;
  readonly start: Lsn;
  readonly timeline: number;
  readonly signal: AbortSignal;
  onData(message: StreamMessage): void | Promise<void>;
  /** What to tell the server now; asked on a timer, on keepalives that want a reply, and after `requestReply`. */
  status(): { readonly written: Lsn; readonly flushed: Lsn };
  /** Receives a function that sends a status at once. */
  onStarted?(sendStatus: () => void): void;
  /** `replyWanted`: the server is impatient; it is about to give us up, or shutting down. */
  onKeepalive?(serverEnd: Lsn, replyWanted: boolean): void;
}

export type ReplicationEnd =
  | { readonly kind: 'aborted' }
  /** The server switched to another timeline at `switchLsn`. */
  | { readonly kind: 'timeline-ended'; readonly nextTimeline: number; readonly switchLsn: Lsn };
