import type { ErrorCode } from '../../core/index.ts';
import type {
  CommittedTransaction,
  RowTallyOptions,
  RowTallyResult,
  TransactionIndexOptions,
} from '../../wal/index.ts';

/** What the scanning thread is made with. */
export interface ScanSetup {
  readonly start: bigint;
  readonly systemId: string;
  readonly segmentSizeBytes: number;
  readonly index: TransactionIndexOptions;
  /** Set: collect the rows of this transaction instead of listing all. Positions as numbers. */
  readonly transaction?: {
    readonly xids: readonly number[];
    readonly from: number;
    readonly commit: number;
  };
  /** Set: sum up what happened to rows that were counted, instead of listing transactions. */
  readonly tally?: RowTallyOptions;
}

export type ScanRequest =
  | { readonly type: 'piece'; readonly bytes: Uint8Array }
  | { readonly type: 'finish' };

export type ScanAnswer =
  | { readonly type: 'taken'; readonly invalid: boolean }
  | ScanResult
  | { readonly type: 'failed'; readonly code: ErrorCode; readonly message: string };

export interface ScanResult {
  readonly type: 'finished';
  /** Where the records end, and why. */
  readonly end: {
    readonly kind: 'end-of-input' | 'invalid';
    readonly at: number;
    readonly why: string;
  };
  readonly transactions: readonly CommittedTransaction[];
  readonly committedCount: number;
  readonly openCount: number;
  readonly rows: readonly TouchedRows[];
  readonly tally?: RowTallyResult;
}

/** Rows of one file, as packed tuple ids in physical order. */
export interface TouchedRows {
  readonly tablespace: number;
  readonly database: number;
  readonly filenode: number;
  readonly deleted: Float64Array;
  readonly updated: Float64Array;
  /** Rows that an UPDATE moved to another partition. */
  readonly movedCount: number;
}
