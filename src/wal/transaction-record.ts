import { MainData } from './main-data.ts';
import type { RelationId } from './relation-id.ts';
import type { WalRecord } from './wal-record.ts';

/** What a COMMIT or ABORT record says (xact.c, ParseCommitRecord). */
export interface TransactionEnd {
  readonly outcome: 'commit' | 'abort';
  /** The top-level transaction, or the subtransaction of an abort; of the prepared one where it was prepared. */
  readonly xid: number;
  readonly timeMs: number;
  readonly subXids: readonly number[];
  /** Files that are removed at this record. */
  readonly removed: readonly RelationId[];
  /** OIDs of relations that are gone for good, with their database (15+: dropped statistics). */
  readonly droppedOids: readonly DroppedOid[];
}

export interface DroppedOid {
  readonly database: number;
  readonly oid: number;
}

const operation = { commit: 0x00, abort: 0x20, commitPrepared: 0x30, abortPrepared: 0x40 } as const;
const part = {
  databaseInfo: 1,
  subXids: 2,
  relations: 4,
  invalidations: 8,
  prepared: 0x10,
  statistics: 0x100,
} as const;
const relationStatistics = 2;
const nothing: readonly never[] = [];

/** Undefined when the record (of the transaction manager) ends no transaction. */
export function readTransactionEnd(record: WalRecord): TransactionEnd | undefined {
  const code = record.info & 0x70;
  const commits = code === operation.commit || code === operation.commitPrepared;
  if (!commits && code !== operation.abort && code !== operation.abortPrepared) return undefined;
  const data = new MainData(record);
  const timeMs = data.timeMs();
  const outcome = commits ? 'commit' : 'abort';
  const parts = record.info & 0x80 ? data.u32() : 0;
  if (parts & part.databaseInfo) data.skip(8);
  const subXids = parts & part.subXids ? readXids(data) : nothing;
  const removed = parts & part.relations ? readRelations(data) : nothing;
  const droppedOids = parts & part.statistics ? readStatistics(data, record.major) : nothing;
  if (parts & part.invalidations) data.skip(data.count(16) * 16);
  const xid = parts & part.prepared ? data.u32() : record.xid;
  return { outcome, xid, timeMs, subXids, removed, droppedOids };
}

function readXids(data: MainData): number[] {
  return Array.from({ length: data.count(4) }, () => data.u32());
}

function readRelations(data: MainData): RelationId[] {
  return Array.from({ length: data.count(12) }, () => ({
    tablespace: data.u32(),
    database: data.u32(),
    filenode: data.u32(),
  }));
}

/** {kind, database, object}; the object became 64 bits wide in 18. */
function readStatistics(data: MainData, major: number): DroppedOid[] {
  const wide = major >= 18;
  const found: DroppedOid[] = [];
  for (let left = data.count(wide ? 16 : 12); left > 0; left--) {
    const kind = data.u32();
    const database = data.u32();
    const oid = data.u32();
    if (wide) data.skip(4);
    if (kind === relationStatistics) found.push({ database, oid });
  }
  return found;
}
