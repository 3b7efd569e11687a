import {
  deletedOffset,
  deleteFlag,
  deleteFlags,
  heap2MultiInsert,
  heapOperation,
  insertedOffset,
  multiInsertCount,
  multiInsertOffset,
  packTid,
  updatedNewOffset,
  updatedOldBlock,
  updatedOldOffset,
} from './heap-record.ts';
import { firstUserOid, type RelationId } from './relation-id.ts';
import { manager } from './resource-manager.ts';
import { TupleList } from './tuple-list.ts';
import { TupleMap } from './tuple-map.ts';
import type { WalRecord } from './wal-record.ts';
import { visitRecords, type WalSpan } from './wal-span.ts';

/** Rows of one relation, by where their version from before the transaction lies. In physical order. */
export interface TouchedTuples extends RelationId {
  /** Gone with the transaction: deleted, also after it had updated them. */
  readonly deleted: TupleList;
  /** Replaced by a version that still stood when it committed. */
  readonly updated: TupleList;
  /** Moved to another partition by an UPDATE; whether they were deleted there WAL does not connect. */
  readonly moved: TupleList;
}

/** In a map from a version that the transaction made: it stands for no older row. */
const inserted = -2;
/** The version is gone again. */
const gone = -3;

interface RelationTrace {
  readonly id: RelationId;
  /** Versions made by the transaction, and the version from before that each stands for. */
  readonly own: TupleMap;
  readonly deleted: TupleList;
  readonly moved: TupleList;
}

/**
 * Collects which rows one transaction took away, as the ids of the versions that were there before it: a
 * physical replica that stopped just before its commit still holds exactly these.
 *
 * Feed it every record from the transaction's first to its commit; others are ignored. Rows that the
 * transaction itself inserted do not count. Rolled-back subtransactions must not be among `xids`.
 */
export class DeletedTuples {
  readonly #xids: ReadonlySet<number>;
  readonly #relations = new Map<number, RelationTrace[]>();

  /** @param xids the top-level transaction and its committed subtransactions */
  constructor(xids: Iterable<number>) {
    this.#xids = new Set(xids);
  }

  /** @throws wal.invalid for a record that is not what its kind promises. */
  add(record: WalRecord): void {
    const { resourceManager } = record;
    if (resourceManager !== manager.heap && resourceManager !== manager.heap2) return;
    if (!this.#xids.has(record.xid)) return;
    const block = record.block(0);
    if (block === undefined || block.relation < firstUserOid) return;
    const operation = record.info & 0x70;
    const at = (offset: number) => packTid(block.blockNumber, offset);
    if (resourceManager === manager.heap2) {
      if (operation !== heap2MultiInsert) return;
      const { own } = this.#trace(block.tablespace, block.database, block.relation);
      for (let index = 0; index < multiInsertCount(record); index++) {
        own.set(at(multiInsertOffset(record, index)), inserted);
      }
      return;
    }
    if (operation === heapOperation.insert) {
      const { own } = this.#trace(block.tablespace, block.database, block.relation);
      own.set(at(insertedOffset(record)), inserted);
    } else if (operation === heapOperation.delete) {
      const trace = this.#trace(block.tablespace, block.database, block.relation);
      this.#delete(trace, at(deletedOffset(record)), deleteFlags(record));
    } else if (operation === heapOperation.update || operation === heapOperation.hotUpdate) {
      const trace = this.#trace(block.tablespace, block.database, block.relation);
      const before = packTid(updatedOldBlock(record, block), updatedOldOffset(record));
      const known = trace.own.get(before);
      if (known !== undefined) trace.own.set(before, gone);
      const origin = known === undefined || known === gone ? before : known;
      trace.own.set(at(updatedNewOffset(record)), origin >= 0 ? origin : inserted);
    }
  }

  #delete(trace: RelationTrace, tid: number, flags: number): void {
    const origin = trace.own.get(tid);
    if (flags & deleteFlag.partitionMove) {
      if (origin !== inserted) trace.moved.add(origin !== undefined && origin >= 0 ? origin : tid);
    } else if (origin === undefined || origin === gone) trace.deleted.add(tid);
    else if (origin >= 0) trace.deleted.add(origin);
    // Pages take deleted rows of others in again: from now on this place is nobody's.
    if (origin !== undefined) trace.own.set(tid, gone);
  }

  #trace(tablespace: number, database: number, filenode: number): RelationTrace {
    const candidates = this.#relations.get(filenode);
    for (const each of candidates ?? []) {
      if (each.id.database === database && each.id.tablespace === tablespace) return each;
    }
    const added: RelationTrace = {
      id: { tablespace, database, filenode },
      own: new TupleMap(),
      deleted: new TupleList(),
      moved: new TupleList(),
    };
    if (candidates === undefined) this.#relations.set(filenode, [added]);
    else candidates.push(added);
    return added;
  }

  /** Per relation from which rows went, TOAST tables among them. */
  finish(): TouchedTuples[] {
    const found: TouchedTuples[] = [];
    for (const { id, own, deleted, moved } of [...this.#relations.values()].flat()) {
      const updated = new TupleList();
      own.forEach((_, origin) => {
        if (origin >= 0) updated.add(origin);
      });
      for (const list of [deleted, updated, moved]) list.sort();
      if (deleted.count + updated.count + moved.count > 0) {
        found.push({ ...id, deleted, updated, moved });
      }
    }
    return found;
  }
}

/**
 * `DeletedTuples` of a whole span, from the transaction's first record to its commit.
 * @throws wal.invalid when the log does not reach the span's end.
 */
export function collectDeletedTuples(span: WalSpan, xids: Iterable<number>): TouchedTuples[] {
  const tuples = new DeletedTuples(xids);
  visitRecords(span, (record) => tuples.add(record));
  return tuples.finish();
}
