import type { CatalogRowChange } from './catalog-rows.ts';
import type { RelationId } from './relation-id.ts';

/** What one (sub)transaction did to one relation, counted. */
export interface RelationChanges extends RelationId {
  inserted: number;
  deleted: number;
  /** Row versions replaced; `hotUpdated` of them on the same page without index entries. */
  updated: number;
  hotUpdated: number;
  /** Rows that an UPDATE moved to another partition: deleted here, inserted there. */
  moved: number;
  /** Its file was made by the transaction: as a new relation, or as new storage of an old one. */
  created: 'no' | 'unknown' | 'relation' | 'storage';
  /** Pages written whole into a file made by the transaction: indexes, and tables that are rewritten. */
  pages: number;
}

export interface LockedRelation {
  readonly database: number;
  readonly oid: number;
}

/** Beyond this many relations they are found through a map. */
const linearLimit = 8;

/** What a transaction or subtransaction in progress has done so far. Pooled: `reset` before every use. */
export class TransactionState {
  xid = 0;
  timeline = 0;
  /** Position of its first record. */
  first = 0;
  prepared = false;
  readonly relations: RelationChanges[] = [];
  /** Indexes into `relations` by filenode, once there are many. */
  #byFilenode: Map<number, number[]> | undefined;
  /** The file made last, until pg_class says what it is for. */
  unexplained: RelationChanges | undefined;
  hasCreated = false;
  readonly locked: LockedRelation[] = [];
  /** Tables named by a TRUNCATE record (wal_level = logical). */
  readonly truncated: LockedRelation[] = [];
  readonly droppedDatabases: { oid: number; position: number }[] = [];
  readonly catalogRows: CatalogRowChange[] = [];

  reset(xid: number, first: number, timeline: number): void {
    this.xid = xid;
    this.first = first;
    this.timeline = timeline;
    this.prepared = false;
    this.relations.length = 0;
    this.#byFilenode = undefined;
    this.unexplained = undefined;
    this.hasCreated = false;
    this.locked.length = 0;
    this.truncated.length = 0;
    this.droppedDatabases.length = 0;
    this.catalogRows.length = 0;
  }

  find(tablespace: number, database: number, filenode: number): RelationChanges | undefined {
    const indexes = this.#byFilenode?.get(filenode);
    if (this.#byFilenode !== undefined && indexes === undefined) return undefined;
    const count = indexes?.length ?? this.relations.length;
    for (let at = count - 1; at >= 0; at--) {
      const each = this.relations[indexes === undefined ? at : (indexes[at] as number)];
      if (
        each !== undefined &&
        each.filenode === filenode &&
        each.database === database &&
        each.tablespace === tablespace
      ) {
        return each;
      }
    }
    return undefined;
  }

  relation(tablespace: number, database: number, filenode: number): RelationChanges {
    const found = this.find(tablespace, database, filenode);
    if (found !== undefined) return found;
    const added: RelationChanges = {
      tablespace,
      database,
      filenode,
      inserted: 0,
      deleted: 0,
      updated: 0,
      hotUpdated: 0,
      moved: 0,
      created: 'no',
      pages: 0,
    };
    this.relations.push(added);
    if (this.#byFilenode !== undefined) this.#addToMap(added, this.relations.length - 1);
    else if (this.relations.length > linearLimit) {
      this.#byFilenode = new Map();
      for (const [index, each] of this.relations.entries()) this.#addToMap(each, index);
    }
    return added;
  }

  #addToMap(relation: RelationChanges, index: number): void {
    const indexes = this.#byFilenode?.get(relation.filenode);
    if (indexes !== undefined) indexes.push(index);
    else this.#byFilenode?.set(relation.filenode, [index]);
  }

  /** Takes over what a committed subtransaction did. */
  absorb(other: TransactionState): void {
    this.first = Math.min(this.first, other.first);
    for (const each of other.relations) {
      const mine = this.relation(each.tablespace, each.database, each.filenode);
      mine.inserted += each.inserted;
      mine.deleted += each.deleted;
      mine.updated += each.updated;
      mine.hotUpdated += each.hotUpdated;
      mine.moved += each.moved;
      mine.pages += each.pages;
      if (each.created !== 'no') mine.created = each.created;
    }
    this.hasCreated ||= other.hasCreated;
    for (const each of other.locked) this.locked.push(each);
    for (const each of other.truncated) this.truncated.push(each);
    for (const each of other.droppedDatabases) this.droppedDatabases.push(each);
    for (const each of other.catalogRows) this.catalogRows.push(each);
  }
}
