import type { Drift } from '../../../sources/index.ts';
import type { CheckResult } from '../../validate/check.ts';
import type { LossSuspect } from '../loss-report.ts';
import type { Part } from './part.ts';
import type { RestorePoints } from './restore-point.ts';

/** A PostgreSQL source. Each part stands alone: the server may be down while the repository tells everything. */
export interface PostgresDamage {
  readonly kind: 'postgres' | 'postgres-dump';
  readonly name: string;
  readonly server: Part<ServerState>;
  readonly points: Part<RestorePoints>;
  /** Of dumps they are never looked at: these have neither baselines nor a log. */
  readonly tables?: Part<TablesFound>;
  readonly suspects?: Part<SuspectsFound>;
  readonly integrity?: Part<IntegrityFound>;
  readonly statements: Part<StatementsFound>;
  readonly sessions: Part<SessionsFound>;
  readonly replication: Part<ReplicationFound>;
  readonly serverLog: Part<Excerpt>;
}

export interface ServerState {
  readonly version: string;
  readonly systemId?: string;
  /** Differs from what was backed up under this name: whatever is compared would mislead. */
  readonly isOtherCluster: boolean;
  readonly isInRecovery: boolean;
  /** New transactions may not write. */
  readonly isReadOnly: boolean;
  readonly startedAt?: string;
  /** Of the log, as the server has it now. */
  readonly lsn?: string;
  readonly databases: readonly string[];
  /** Those that take no connections of ours, and why. */
  readonly closed: readonly { readonly name: string; readonly why: string }[];
}

/** `same`: as the baseline has it, as far as it was counted. `fewer`, `more`: by rows, of what was not counted by size. */
export type TableChange = 'same' | 'missing' | 'new' | 'emptied' | 'fewer' | 'more' | 'not-read';

export interface TableDamage {
  readonly database: string;
  readonly schema: string;
  readonly table: string;
  readonly oid: number;
  readonly change: TableChange;
  readonly before?: TableFigures;
  readonly now?: TableFigures;
  /** Rows that the log says must be there at `ExpectedAt.lsn`, by exact count. */
  readonly expectedRows?: number;
  /** A crash or a restore empties it: its rows are nobody's loss. */
  readonly isUnlogged?: true;
  /** Fewer rows than the log accounts for: they went without a trace in it. */
  readonly isUnexplained?: true;
}

export interface TableFigures {
  readonly rows?: number;
  /** False: an estimate of the server. */
  readonly rowsExact?: boolean;
  readonly bytes?: number;
  /** Newest value of the column that tells best when it was last written to. */
  readonly freshest?: { readonly column: string; readonly time: string };
}

export interface TablesFound {
  /** What is compared with; absent: there is none. */
  readonly baseline?: { readonly time: string; readonly lsn: string };
  /** When the server was counted; absent: it could not be. */
  readonly countedAt?: string;
  /** Where the log was carried to; absent: it does not tell. */
  readonly expectedAt?: { readonly lsn: string; readonly isExact: boolean };
  readonly missingDatabases: readonly string[];
  readonly counts: Readonly<Record<TableChange, number>>;
  /** What changed first, then the largest; at most `listedTables`, `counts` has all. */
  readonly tables: readonly TableDamage[];
  readonly drift: readonly Drift[];
}

export interface SuspectsFound {
  /** Worst first, without those whose rows a finished rescue has put back, those that were announced, and acts of Lifeboat itself. */
  readonly suspects: readonly LossSuspect[];
  /** Commits of suspects that are settled, by `commitLsn`. */
  readonly rescued: readonly string[];
  readonly announced: readonly string[];
  readonly own: readonly string[];
  readonly since: string;
  readonly transactions: number;
}

export interface IntegrityFound {
  readonly checks: readonly CheckResult[];
  /** The newest checks of the live server that ran to their end. */
  readonly lastCheck?: { readonly time: string; readonly verdict: 'passed' | 'failed' };
}

/** Weak evidence: it is not known when it ran, nor what it did. */
export interface StatementFound {
  readonly kind: 'delete' | 'truncate' | 'drop' | 'update' | 'alter';
  readonly database: string;
  readonly user: string;
  readonly calls: number;
  readonly rows: number;
  /** As the extension keeps it: values are `$1`. Cut. */
  readonly query: string;
}

export interface StatementsFound {
  readonly statements: readonly StatementFound[];
  /** Nothing older is known. */
  readonly since?: string;
}

export interface SessionFound {
  readonly pid: number;
  readonly user: string;
  readonly database: string;
  readonly application: string;
  readonly address?: string;
  readonly state: string;
  /** It has a transaction id: it has written something. */
  readonly isWriting: boolean;
  readonly transactionStart?: string;
  readonly waitsFor?: string;
  /** First words of what it runs or ran last; cut. */
  readonly query: string;
  /** What runs looks as if it destroyed something. */
  readonly isDestructive: boolean;
}

export interface SessionsFound {
  /** Writers first. */
  readonly sessions: readonly SessionFound[];
  readonly total: number;
  readonly writing: number;
}

export interface ReplicationFound {
  readonly isStandby: boolean;
  readonly slots: readonly {
    readonly name: string;
    readonly type: string;
    readonly isActive: boolean;
    readonly walStatus?: string;
    readonly heldBytes?: number;
  }[];
  readonly standbys: readonly {
    readonly application: string;
    readonly address?: string;
    readonly state: string;
    readonly syncState: string;
    /** Behind the end of the server's log. */
    readonly behindBytes?: number;
    readonly lagMs?: number;
  }[];
  /** Of a standby: where its log comes from, and how far behind its replay is. */
  readonly receives?: {
    readonly state: string;
    readonly replayedLsn?: string;
    readonly lagMs?: number;
  };
}

/** Lines of an output that carry one of the words of errors; the newest last. */
export interface Excerpt {
  readonly origin: string;
  readonly linesRead: number;
  readonly matched: number;
  /** At most some tens, cut: what stands in them is the user's. */
  readonly lines: readonly string[];
}
