import { type CatalogDeletes, countCatalogDeletes } from './catalog-rows.ts';
import type { RelationId } from './relation-id.ts';
import type { DroppedOid, TransactionEnd } from './transaction-record.ts';
import type { LockedRelation, RelationChanges, TransactionState } from './transaction-state.ts';

/**
 * What a committed top-level transaction did, its subtransactions included. Plain data that survives JSON;
 * positions are numbers (exact up to 2^53), see `lsn`.
 */
export interface CommittedTransaction {
  readonly xid: number;
  readonly subXids: readonly number[];
  readonly timeline: number;
  readonly major: number;
  /** Its first record, its COMMIT record, and the end of that. */
  readonly firstPosition: number;
  readonly commitPosition: number;
  readonly endPosition: number;
  /** Milliseconds since 1970, with a fraction. */
  readonly commitTimeMs: number;
  readonly relations: readonly RelationChanges[];
  /** Files that the commit removed: of dropped, truncated, rewritten, reindexed relations. */
  readonly removed: readonly RelationId[];
  /** Relations dropped for good; undefined before 15, where WAL does not tell. */
  readonly droppedOids: readonly DroppedOid[] | undefined;
  /** Relations it held an ACCESS EXCLUSIVE lock on. */
  readonly locked: readonly LockedRelation[];
  /** Tables that a TRUNCATE names; only at wal_level = logical. */
  readonly truncated: readonly LockedRelation[];
  readonly droppedDatabases: readonly { readonly oid: number; readonly position: number }[];
  readonly catalogDeletes: CatalogDeletes;
  /** False when a part of it may not have been counted: it may have begun before the scan, or more subtransactions were open than are kept. */
  readonly complete: boolean;
}

/** `state` has absorbed the subtransactions already. */
export function committedTransaction(
  state: TransactionState,
  end: TransactionEnd,
  commit: { start: number; end: number; major: number; complete: boolean },
): CommittedTransaction {
  state.catalogRows.sort((a, b) => a.position - b.position);
  return {
    xid: end.xid,
    subXids: end.subXids,
    timeline: state.timeline,
    major: commit.major,
    firstPosition: state.first,
    commitPosition: commit.start,
    endPosition: commit.end,
    commitTimeMs: end.timeMs,
    relations: state.relations.slice(),
    removed: end.removed,
    droppedOids: commit.major >= 15 ? end.droppedOids : undefined,
    locked: state.locked.slice(),
    truncated: state.truncated.slice(),
    droppedDatabases: state.droppedDatabases.slice(),
    catalogDeletes: countCatalogDeletes(state.catalogRows),
    complete: commit.complete,
  };
}
