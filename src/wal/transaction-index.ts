import { type CatalogFile, CatalogFiles } from './catalog-files.ts';
import { catalogRowChanges } from './catalog-rows.ts';
import { type CommittedTransaction, committedTransaction } from './committed-transaction.ts';
import {
  deleteFlag,
  deleteFlags,
  heap2MultiInsert,
  heapOperation,
  multiInsertCount,
} from './heap-record.ts';
import { KeptTransactions } from './kept-transactions.ts';
import { MainData } from './main-data.ts';
import type { RelationId } from './relation-id.ts';
import { type RelationTotal, RelationTotals } from './relation-totals.ts';
import { manager } from './resource-manager.ts';
import { readTransactionEnd, type TransactionEnd } from './transaction-record.ts';
import { type RelationChanges, TransactionState } from './transaction-state.ts';
import type { WalBlock } from './wal-block.ts';
import type { WalRecord } from './wal-record.ts';

export interface TransactionIndexOptions {
  /** Files of catalogs that were rewritten (VACUUM FULL) before the scan: pg_class, pg_type, pg_namespace. */
  readonly catalogFiles?: readonly CatalogFile[];
  /** A transaction that updated fewer rows and did nothing worse is not kept. Default 100. */
  readonly keepUpdatedRows?: number;
  /** A transaction that deleted fewer rows and did nothing worse counts as small. Default 100. */
  readonly smallDeletedRows?: number;
  /** So many small, and so many other transactions are kept; the newest. Defaults 100,000 and 100,000. */
  readonly smallLimit?: number;
  readonly limit?: number;
  /** So many transactions and subtransactions may be open at a time. Default 1,000,000. */
  readonly openLimit?: number;
  /** Sees what every transaction did at its commit, however little. The lists are valid only during the call. */
  readonly onCommit?: (commit: CommittedChanges) => void;
}

/** What a committed top-level transaction did to relations, its subtransactions included. */
export interface CommittedChanges {
  readonly xid: number;
  /** Of its COMMIT record. */
  readonly start: number;
  readonly end: number;
  readonly relations: readonly RelationChanges[];
  /** Files that the commit removed. */
  readonly removed: readonly RelationId[];
  /** False when a part of it was not counted, because more subtransactions were open than are kept. */
  readonly isComplete: boolean;
}

/**
 * Builds, record by record, what every transaction did. Aborted ones are forgotten. Memory is bounded: only
 * transactions in progress and committed ones that deleted, dropped, truncated or updated many rows are held;
 * all others go into sums per relation (`totals`).
 */
export class TransactionIndex {
  readonly #keepUpdatedRows: number;
  readonly #smallDeletedRows: number;
  readonly #openLimit: number;
  readonly #onCommit: TransactionIndexOptions['onCommit'];
  readonly #open = new Map<number, TransactionState>();
  /** Undefined until a server has said which were running. */
  #begunBefore: Set<number> | undefined;
  readonly #pool: TransactionState[] = [];
  #last: TransactionState | undefined;
  readonly #catalogs: CatalogFiles;
  readonly #totals = new RelationTotals();
  readonly #small: KeptTransactions;
  readonly #large: KeptTransactions;
  #committedCount = 0;
  #overflowed = false;

  constructor(options: TransactionIndexOptions = {}) {
    this.#keepUpdatedRows = options.keepUpdatedRows ?? 100;
    this.#smallDeletedRows = options.smallDeletedRows ?? 100;
    this.#openLimit = options.openLimit ?? 1_000_000;
    this.#onCommit = options.onCommit;
    const letGo = (transaction: CommittedTransaction) => this.#sumUp(transaction);
    this.#small = new KeptTransactions(options.smallLimit ?? 100_000, letGo);
    this.#large = new KeptTransactions(options.limit ?? 100_000, letGo);
    this.#catalogs = new CatalogFiles(options.catalogFiles ?? []);
  }

  /** Committed transactions that may have destroyed something, in order of their commit. */
  committed(): CommittedTransaction[] {
    return inOrder([...this.#small.list(), ...this.#large.list()]);
  }

  /** As `committed`, and forgets them: for a caller that stores them elsewhere. */
  take(): CommittedTransaction[] {
    return inOrder([...this.#small.take(), ...this.#large.take()]);
  }

  /** What the other committed transactions did, per relation (`relationKey`). */
  totals(): ReadonlyMap<string, RelationTotal> {
    return this.#totals.all();
  }

  /** All committed transactions that changed anything. */
  get committedCount(): number {
    return this.#committedCount;
  }

  /** Transactions and subtransactions in progress. */
  get openCount(): number {
    return this.#open.size;
  }

  /** Position of the first record of the oldest transaction in progress: a scan that goes on must begin there. */
  oldestOpenPosition(): number | undefined {
    let oldest: number | undefined;
    for (const { first } of this.#open.values()) oldest = Math.min(oldest ?? first, first);
    return oldest;
  }

  /** Takes the next record of the log. @throws wal.invalid for a record that is not what its kind promises. */
  add(record: WalRecord): void {
    if (record.resourceManager === manager.transaction && (record.info & 0x70) < 0x50) {
      this.#addTransactionEnd(record);
      return;
    }
    const { xid } = record;
    const state = xid === 0 ? undefined : this.#state(record, xid);
    switch (record.resourceManager) {
      case manager.heap:
        if (state) this.#addHeap(record, state);
        return;
      case manager.heap2:
        if (state) this.#addHeap2(record, state);
        return;
      case manager.xlog:
        this.#addXlog(record, state);
        return;
      case manager.storage:
        if (state && record.info === 0x10) this.#addCreate(record, state);
        return;
      case manager.database:
        if (state) this.#addDatabase(record, state);
        return;
      case manager.standby:
        this.#addStandby(record, state);
        return;
      case manager.relationMap:
        this.#catalogs.addRelationMap(record);
        return;
      default:
        if (state) this.#addPages(record, state);
    }
  }

  #state(record: WalRecord, xid: number): TransactionState {
    if (this.#last?.xid === xid) return this.#last;
    let state = this.#open.get(xid);
    if (state === undefined) {
      state = this.#pool.pop() ?? new TransactionState();
      state.reset(xid, record.start, record.timeline);
      if (this.#open.size < this.#openLimit) this.#open.set(xid, state);
      else this.#overflowed = true;
    }
    this.#last = state;
    return state;
  }

  #forget(xid: number): void {
    if (this.#last?.xid === xid) this.#last = undefined;
    const state = this.#open.get(xid);
    if (state === undefined) return;
    this.#open.delete(xid);
    if (this.#open.size === 0) this.#overflowed = false;
    if (this.#pool.length < 1000) this.#pool.push(state);
  }

  #addHeap(record: WalRecord, state: TransactionState): void {
    const operation = record.info & 0x70;
    const block = record.block(0);
    if (operation === heapOperation.truncate) this.#addTruncate(record, state);
    if (block === undefined) return;
    if (this.#catalogs.has(block)) {
      this.#addCatalogChange(record, state, block);
      return;
    }
    if (
      operation !== heapOperation.insert &&
      operation !== heapOperation.delete &&
      operation !== heapOperation.update &&
      operation !== heapOperation.hotUpdate
    ) {
      return;
    }
    const relation = state.relation(block.tablespace, block.database, block.relation);
    if (operation === heapOperation.insert) relation.inserted += 1;
    else if (operation === heapOperation.delete) {
      const flags = deleteFlags(record);
      // ON CONFLICT takes its own row back: it was counted as inserted.
      if (flags & deleteFlag.speculative) relation.inserted -= 1;
      else if (flags & deleteFlag.partitionMove) relation.moved += 1;
      else relation.deleted += 1;
    } else {
      relation.updated += 1;
      if (operation === heapOperation.hotUpdate) relation.hotUpdated += 1;
    }
  }

  #addHeap2(record: WalRecord, state: TransactionState): void {
    if ((record.info & 0x70) !== heap2MultiInsert) return;
    const block = record.block(0);
    if (block === undefined) return;
    if (this.#catalogs.has(block)) {
      this.#addCatalogChange(record, state, block);
      return;
    }
    const relation = state.relation(block.tablespace, block.database, block.relation);
    relation.inserted += multiInsertCount(record);
  }

  #addCatalogChange(record: WalRecord, state: TransactionState, block: WalBlock): void {
    const catalog = this.#catalogs.watched(block);
    if (catalog === undefined) return;
    for (const change of catalogRowChanges(record, block, catalog)) {
      state.catalogRows.push(change);
      if (catalog !== 'class' || change.added < 0) continue;
      // pg_class says what the file made last is for: its row is new, or was there and got new storage.
      if (state.unexplained)
        state.unexplained.created = change.removed < 0 ? 'relation' : 'storage';
      state.unexplained = undefined;
    }
  }

  #addTruncate(record: WalRecord, state: TransactionState): void {
    const data = new MainData(record);
    const database = data.u32();
    const count = data.u32();
    data.skip(4);
    for (let index = 0; index < count; index++) {
      state.truncated.push({ database, oid: data.u32() });
    }
  }

  #addCreate(record: WalRecord, state: TransactionState): void {
    const data = new MainData(record);
    const [tablespace, database, filenode, fork] = [data.u32(), data.u32(), data.u32(), data.u32()];
    if (fork !== 0) return;
    const relation = state.relation(tablespace, database, filenode);
    relation.created = 'unknown';
    state.unexplained = relation;
    state.hasCreated = true;
  }

  #addXlog(record: WalRecord, state: TransactionState | undefined): void {
    // A checkpoint at shutdown or the end of recovery: what is open then was cut off by a crash.
    if (record.info === 0x00 || record.info === 0x90) {
      for (const open of this.#open.values()) if (!open.prepared) this.#forget(open.xid);
    }
    if (record.info === 0xb0 && state) this.#addPages(record, state);
  }

  /** Records of indexes and whole pages: of interest only in files that the transaction made. */
  #addPages(record: WalRecord, state: TransactionState): void {
    if (!state.hasCreated) return;
    for (let index = 0; index < record.blockCount; index++) {
      const block = record.blockAt(index);
      if (block.fork !== 0) continue;
      const relation = state.find(block.tablespace, block.database, block.relation);
      if (relation !== undefined && relation.created !== 'no') relation.pages += 1;
    }
  }

  /** (Without a transaction the record is the last step of ALTER DATABASE SET TABLESPACE.) */
  #addDatabase(record: WalRecord, state: TransactionState): void {
    if (record.info !== (record.major >= 15 ? 0x20 : 0x10)) return;
    const oid = new MainData(record).u32();
    state.droppedDatabases.push({ oid, position: record.start });
  }

  #addStandby(record: WalRecord, state: TransactionState | undefined): void {
    const data = new MainData(record);
    if (record.info === 0x00) {
      for (let left = data.count(12); left > 0; left--) {
        const [xid, database, oid] = [data.u32(), data.u32(), data.u32()];
        // Checkpoints list all locks again, under no transaction.
        if (xid === state?.xid) state.locked.push({ database, oid });
      }
    } else if (record.info === 0x10) {
      const running = data.u32() + data.u32();
      data.skip(8);
      this.#forgetBefore(data.u32());
      if (this.#begunBefore === undefined) this.#noteRunning(data, running);
    }
  }

  /** What runs when a server first says so may have done something before the scan. */
  #noteRunning(data: MainData, count: number): void {
    data.skip(4);
    this.#begunBefore = new Set();
    for (let left = count; left > 0; left--) this.#begunBefore.add(data.u32());
  }

  /** Nothing older than `oldestXid` runs any more; what is open was cut off by a crash. */
  #forgetBefore(oldestXid: number): void {
    for (const { xid, prepared } of this.#open.values()) {
      if (!prepared && ((xid - oldestXid) | 0) < 0) this.#forget(xid);
    }
  }

  #addTransactionEnd(record: WalRecord): void {
    if ((record.info & 0x70) === 0x10) {
      const state = this.#open.get(record.xid);
      if (state !== undefined) state.prepared = true;
      return;
    }
    const end = readTransactionEnd(record);
    if (end === undefined) return;
    if (end.outcome === 'commit') this.#commit(record, end);
    this.#forget(end.xid);
    for (const xid of end.subXids) this.#forget(xid);
  }

  #commit(record: WalRecord, end: TransactionEnd): void {
    this.#committedCount += 1;
    const { xid } = end;
    let state = this.#open.get(xid);
    if (state === undefined) {
      if (end.subXids.length === 0 && end.removed.length === 0) return;
      state = new TransactionState();
      state.reset(xid, record.start, record.timeline);
    }
    for (const subXid of end.subXids) {
      const sub = this.#open.get(subXid);
      if (sub !== undefined) state.absorb(sub);
    }
    this.#onCommit?.({
      xid,
      start: record.start,
      end: record.end,
      relations: state.relations,
      removed: end.removed,
      isComplete: !this.#overflowed,
    });
    if (!this.#isWorthKeeping(state, end)) {
      for (const each of state.relations) this.#totals.add(each, record.start);
      return;
    }
    const { start, end: endPosition, major } = record;
    const complete = !this.#overflowed && !this.#begunBefore?.has(xid);
    const commit = { start, end: endPosition, major, complete };
    const transaction = committedTransaction(state, end, commit);
    (this.#isSmall(transaction) ? this.#small : this.#large).add(transaction);
  }

  #isWorthKeeping(state: TransactionState, end: TransactionEnd): boolean {
    if (end.removed.length > 0 || end.droppedOids.length > 0) return true;
    if (state.truncated.length > 0 || state.droppedDatabases.length > 0) return true;
    let updated = 0;
    for (const each of state.relations) {
      if (each.deleted > 0 && each.created === 'no') return true;
      updated += each.updated;
    }
    return updated >= this.#keepUpdatedRows;
  }

  #isSmall(transaction: CommittedTransaction): boolean {
    const { removed, truncated, droppedDatabases } = transaction;
    if (removed.length + truncated.length + droppedDatabases.length > 0) return false;
    let [deleted, updated] = [0, 0];
    for (const each of transaction.relations) {
      deleted += each.deleted;
      updated += each.updated;
    }
    return deleted < this.#smallDeletedRows && updated < this.#keepUpdatedRows;
  }

  #sumUp(transaction: CommittedTransaction): void {
    for (const each of transaction.relations) {
      this.#totals.add(each, transaction.commitPosition);
    }
  }
}

function inOrder(transactions: CommittedTransaction[]): CommittedTransaction[] {
  return transactions.sort((a, b) => a.commitPosition - b.commitPosition);
}
