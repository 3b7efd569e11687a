import { type RelationId, relationKey } from './relation-id.ts';
import type { RelationChanges } from './transaction-state.ts';

/** Sums over the committed transactions that were too small, or too many, to be kept one by one. */
export interface RelationTotal extends RelationId {
  transactions: number;
  inserted: number;
  updated: number;
  deleted: number;
  /** Of the first and the last of these transactions. */
  firstCommitPosition: number;
  lastCommitPosition: number;
}

/** At most so many relations are told apart; what comes later goes into `rest`. */
const relationLimit = 100_000;

export class RelationTotals {
  readonly #byFilenode = new Map<number, RelationTotal[]>();
  #count = 0;
  readonly rest: RelationTotal = emptyTotal({ tablespace: 0, database: 0, filenode: 0 }, 0);

  add(changes: RelationChanges, commitPosition: number): void {
    const total = this.#total(changes, commitPosition);
    total.transactions += 1;
    total.inserted += changes.inserted;
    total.updated += changes.updated;
    total.deleted += changes.deleted;
    if (commitPosition < total.firstCommitPosition) total.firstCommitPosition = commitPosition;
    if (commitPosition > total.lastCommitPosition) total.lastCommitPosition = commitPosition;
  }

  #total(id: RelationId, position: number): RelationTotal {
    const candidates = this.#byFilenode.get(id.filenode);
    for (const each of candidates ?? []) {
      if (each.database === id.database && each.tablespace === id.tablespace) return each;
    }
    if (this.#count >= relationLimit) return this.rest;
    const added = emptyTotal(id, position);
    if (candidates === undefined) this.#byFilenode.set(id.filenode, [added]);
    else candidates.push(added);
    this.#count += 1;
    return added;
  }

  /** By `relationKey`. */
  all(): ReadonlyMap<string, RelationTotal> {
    const found = new Map<string, RelationTotal>();
    for (const list of this.#byFilenode.values()) {
      for (const each of list) found.set(relationKey(each), each);
    }
    return found;
  }
}

function emptyTotal(id: RelationId, position: number): RelationTotal {
  return {
    tablespace: id.tablespace,
    database: id.database,
    filenode: id.filenode,
    transactions: 0,
    inserted: 0,
    updated: 0,
    deleted: 0,
    firstCommitPosition: position,
    lastCommitPosition: position,
  };
}
