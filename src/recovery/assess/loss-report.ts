import type { Suspect, SuspectTable } from '../../wal/index.ts';

/** What destroyed data, worst first, and what of the log was looked at. JSON as it stands. */
export interface LossReport {
  readonly source: string;
  readonly suspects: readonly LossSuspect[];
  readonly searched: readonly SearchedSpan[];
  /** In words: gaps, damage, what had not arrived yet. Empty when all was searched. */
  readonly notSearched: readonly string[];
  /** Committed transactions that changed anything, suspects included. */
  readonly transactions: number;
  /** Catalogs that names were looked up in. */
  readonly catalogs: number;
}

export interface SearchedSpan {
  readonly timeline: number;
  readonly fromLsn: string;
  readonly toLsn: string;
  readonly bytes: number;
}

export interface LossSuspect extends Suspect {
  readonly tables: readonly LossTable[];
  /** True when the state just before it can be restored; then `base` is the snapshot to start from. */
  readonly recoverable: boolean;
  readonly base?: { readonly snapshot: string; readonly time: string };
  /** `rescue` puts rows back and keeps what was written since; `restore` goes to `target`. */
  readonly action: 'rescue' | 'restore' | 'none';
  /** Why this action. */
  readonly reason: string;
  /** No loss: the run of a recovery that let go of that database, or took back what it had brought. */
  readonly own?: { readonly run: string };
}

export interface LossTable extends SuspectTable {
  /** When the row counts of a `baseline` were taken. ISO 8601. */
  readonly rowsTime?: string;
  /** Why there is no name. */
  readonly unnamed?: string;
}
