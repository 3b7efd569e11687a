import { MainData } from './main-data.ts';
import { type RelationId, relationKey, relationOf } from './relation-id.ts';
import { manager } from './resource-manager.ts';
import { type CommittedChanges, TransactionIndex } from './transaction-index.ts';
import type { RelationChanges } from './transaction-state.ts';
import type { WalRecord } from './wal-record.ts';
import { isOlderXid } from './xid.ts';

/**
 * The moment at which the rows of a database were counted. `snapshot`: on a primary, the transactions that were visible, by
 * their ids. `replay`: on a standby, which replays commits in their order: up to `from` for certain, and at most up to the record
 * that was being replayed at `to`.
 */
export type CountedMoment =
  | {
      readonly kind: 'snapshot';
      readonly xmin: number;
      readonly xmax: number;
      readonly running: readonly number[];
    }
  | { readonly kind: 'replay'; readonly from: number; readonly to: number };

/** The scan begins before the first of the moments. */
export interface RowTallyOptions {
  readonly moments: readonly { readonly database: number; readonly moment: CountedMoment }[];
  /** Every transaction from this id on has all of its records in the scan. */
  readonly wholeFromXid?: number;
}

/** What the log did to the rows of one file after they were counted. */
export interface FileRows extends RelationId {
  /** Rows that came, less those that went. */
  change: number;
  /** The file was made in the scanned span, so that `change` is all that is in it, unless pages were copied into it. */
  isMade: boolean;
  copiedPages: number;
  /** A transaction that may or may not be in the count, or rows that went in a way the log does not count. */
  isUncertain: boolean;
}

/** Files that one transaction made, and those that its commit removed. */
export interface FileChange {
  readonly made: readonly RelationId[];
  readonly removed: readonly RelationId[];
}

export interface RowTallyResult {
  readonly files: readonly FileRows[];
  readonly fileChanges: readonly FileChange[];
  /** Databases of which a transaction may have been counted whose first records lie before the scan. */
  readonly incomplete: readonly number[];
}

const limit = 100_000;

/** Sums up, per file of a table, what committed transactions did to rows that were counted at a moment. */
export class RowTally {
  readonly #moments = new Map<number, CountedMoment>();
  readonly #files = new Map<string, FileRows>();
  /** Made by a transaction that has not ended yet. */
  readonly #fresh = new Set<string>();
  readonly #fileChanges: FileChange[] = [];
  readonly #oldestCounted = new Map<number, number>();
  readonly #inFlight = new Map<number, number>();
  readonly #index: TransactionIndex;
  #wholeFromXid: number | undefined;
  #overflowed = false;

  constructor({ moments, wholeFromXid }: RowTallyOptions) {
    for (const { database, moment } of moments) this.#moments.set(database, moment);
    this.#wholeFromXid = wholeFromXid;
    const onCommit = (commit: CommittedChanges) => this.#addCommit(commit);
    this.#index = new TransactionIndex({ onCommit, limit: 1, smallLimit: 1 });
  }

  /** Takes the next record of the log. @throws wal.invalid for a record that is not what its kind promises. */
  add(record: WalRecord): void {
    for (const [database, moment] of this.#moments) {
      if (moment.kind === 'snapshot' || record.start < moment.to) continue;
      if (!this.#inFlight.has(database)) this.#inFlight.set(database, record.start);
    }
    switch (record.resourceManager) {
      case manager.storage:
        this.#addStorage(record);
        break;
      case manager.xlog:
        if (record.info === 0xb0) this.#addPages(record);
        break;
      case manager.standby:
        if (record.info === 0x10) this.#addRunning(record);
        break;
      default:
    }
    this.#index.add(record);
  }

  finish(): RowTallyResult {
    const incomplete = [...this.#moments]
      .filter(([database, moment]) => this.#overflowed || !this.#isWhole(database, moment))
      .map(([database]) => database);
    return { files: [...this.#files.values()], fileChanges: this.#fileChanges, incomplete };
  }

  /**
   * A transaction that a snapshot did not see may have written its COMMIT long before (it waits for a standby), even before the
   * scan. One that began later did so behind the snapshot.
   */
  #isWhole(database: number, moment: CountedMoment): boolean {
    const whole = this.#wholeFromXid;
    const oldest = this.#oldestCounted.get(database);
    const beganBefore =
      moment.kind === 'snapshot' ? moment.running : oldest === undefined ? [] : [oldest];
    return beganBefore.every((xid) => whole !== undefined && !isOlderXid(xid, whole));
  }

  #file(id: RelationId): FileRows {
    const key = relationKey(id);
    let file = this.#files.get(key);
    if (file === undefined) {
      const { tablespace, database, filenode } = id;
      file = {
        tablespace,
        database,
        filenode,
        change: 0,
        isMade: false,
        copiedPages: 0,
        isUncertain: false,
      };
      if (this.#files.size < limit) this.#files.set(key, file);
      else this.#overflowed = true;
    }
    return file;
  }

  #addStorage(record: WalRecord): void {
    const data = new MainData(record);
    const keptBlocks = record.info === 0x20 ? data.u32() : 0;
    const [tablespace, database, filenode] = [data.u32(), data.u32(), data.u32()];
    const id = { tablespace, database, filenode };
    if (!this.#moments.has(database)) return;
    if (record.info === 0x10 && data.u32() === 0) {
      // A number that is given again: what was known of it is of another file.
      this.#files.delete(relationKey(id));
      this.#file(id).isMade = true;
      this.#fresh.add(relationKey(id));
    } else if (record.info === 0x20 && keptBlocks === 0 && this.#fresh.has(relationKey(id))) {
      // A second TRUNCATE in a transaction empties the file in place; which rows were in it is not counted.
      this.#file(id).isUncertain = true;
    }
  }

  /** VACUUM FULL, CLUSTER and SET TABLESPACE copy rows as whole pages. */
  #addPages(record: WalRecord): void {
    for (let index = 0; index < record.blockCount; index++) {
      const block = record.blockAt(index);
      if (block.fork !== 0 || this.#fresh.size === 0) continue;
      const key = relationKey(relationOf(block));
      const file = this.#fresh.has(key) ? this.#files.get(key) : undefined;
      if (file !== undefined) file.copiedPages += 1;
    }
  }

  /** Ids from `nextXid` on are given out after this record. */
  #addRunning(record: WalRecord): void {
    const data = new MainData(record);
    data.skip(12);
    const nextXid = data.u32();
    if (this.#wholeFromXid === undefined || isOlderXid(nextXid, this.#wholeFromXid)) {
      this.#wholeFromXid = nextXid;
    }
  }

  #addCommit({ xid, start, end, relations, removed, isComplete }: CommittedChanges): void {
    const made: RelationId[] = [];
    if (!isComplete) this.#overflowed = true;
    for (const changes of relations) {
      const moment = this.#moments.get(changes.database);
      if (moment === undefined) continue;
      if (changes.created !== 'no') made.push(idOf(changes));
      this.#fresh.delete(relationKey(changes));
      const inCount = contains(moment, { xid, start, end }, this.#inFlight.get(changes.database));
      if (inCount === 'yes') {
        this.#countHas(changes);
        continue;
      }
      this.#addChanges(changes, inCount === 'unsure');
      const oldest = this.#oldestCounted.get(changes.database);
      if (oldest === undefined || isOlderXid(xid, oldest)) {
        this.#oldestCounted.set(changes.database, xid);
      }
    }
    if (made.length + removed.length > 0) {
      if (this.#fileChanges.length < limit) this.#fileChanges.push({ made, removed });
      else this.#overflowed = true;
    }
  }

  /** What is in the file was counted, however it came there. (Its change stays: commits are visible in another order.) */
  #countHas(id: RelationId): void {
    const file = this.#files.get(relationKey(id));
    if (file === undefined) return;
    file.isMade = false;
    file.copiedPages = 0;
    file.isUncertain = false;
  }

  #addChanges(changes: RelationChanges, isUncertain: boolean): void {
    const file = this.#file(changes);
    const change = changes.inserted - changes.deleted - changes.moved;
    file.change += change;
    if (isUncertain && change !== 0) file.isUncertain = true;
  }
}

/** Whether what the transaction did is in a count that was taken at `moment`. */
function contains(
  moment: CountedMoment,
  commit: { readonly xid: number; readonly start: number; readonly end: number },
  inFlight: number | undefined,
): 'yes' | 'no' | 'unsure' {
  if (moment.kind === 'snapshot') {
    const { xmin, xmax, running } = moment;
    if (isOlderXid(commit.xid, xmin)) return 'yes';
    if (!isOlderXid(commit.xid, xmax)) return 'no';
    return running.includes(commit.xid) ? 'no' : 'yes';
  }
  if (commit.end <= moment.from) return 'yes';
  return commit.start < moment.to || commit.start === inFlight ? 'unsure' : 'no';
}

function idOf({ tablespace, database, filenode }: RelationId): RelationId {
  return { tablespace, database, filenode };
}
