/** Where a source could be taken back to, and what that would cost. JSON: times ISO 8601, positions as text. */
export interface RestorePoint {
  readonly kind: 'newest' | 'newest-proven' | 'before-suspect' | 'snapshot';
  /** For people: `just before transaction 774 (DELETE at 14:29:03)`. */
  readonly text: string;
  /** State of the data there. */
  readonly time: string;
  /** As `RecoveryTarget` of the source, with positions as text; absent of files: `snapshot` says all. */
  readonly target?: Readonly<Record<string, unknown>>;
  readonly lsn?: string;
  readonly timeline?: number;
  /** What a restore would start from. */
  readonly snapshot?: string;
  /** Of a suspect: its transaction. */
  readonly xid?: number;
  readonly commitLsn?: string;
  /** The newest proof of it that counts still: this very state was restored and checked. */
  readonly proof?: { readonly id: string; readonly time: string; readonly rtoMs: number };
  /** Why it should be looked at first: its snapshot is flagged, or a proof of it failed. */
  readonly doubts: readonly string[];
  readonly loss: RestoreLoss;
}

/** What is given up by going there. */
export interface RestoreLoss {
  /** Words that a person can agree to: `writes of 4 min 12 s before 14:33:15`, `none`. */
  readonly text: string;
  /** At most so much time of writes; undefined: not known. */
  readonly durationMs?: number;
  /** Rows can be put back instead, and then nothing is given up (`lifeboat rescue`). */
  readonly isAvoidable?: true;
}

export interface WindowSummary {
  readonly from: string;
  readonly to: string;
  readonly fromLsn: string;
  readonly toLsn: string;
  readonly timeline: number;
  /** The log goes on behind a hole: the first segment that is missing. */
  readonly missingSegment?: string;
}

/** What can be recovered to. */
export interface RestorePoints {
  /** The most useful first. Empty: nothing can be restored. */
  readonly points: readonly RestorePoint[];
  /** The newest first; of PostgreSQL only. */
  readonly windows: readonly WindowSummary[];
  readonly snapshots: number;
}
