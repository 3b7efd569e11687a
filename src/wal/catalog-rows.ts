import {
  deletedOffset,
  heapOperation,
  insertedOffset,
  multiInsertCount,
  multiInsertOffset,
  packTid,
  updatedNewOffset,
  updatedOldBlock,
  updatedOldOffset,
} from './heap-record.ts';
import { manager } from './resource-manager.ts';
import type { WalBlock } from './wal-block.ts';
import type { WalRecord } from './wal-record.ts';

/** The catalogs whose rows tell what a transaction did to relations, by their OID. */
export const watchedCatalogs = {
  1247: 'type',
  1259: 'class',
  2615: 'namespace',
} as const satisfies Record<number, string>;

export type WatchedCatalog = (typeof watchedCatalogs)[keyof typeof watchedCatalogs];

/** A row of a watched catalog that came, went, or was replaced. Rows are packed tuple ids, -1 for none. */
export interface CatalogRowChange {
  readonly position: number;
  readonly catalog: WatchedCatalog;
  readonly removed: number;
  readonly added: number;
}

/** Rows that were there before the transaction and that it deleted. */
export type CatalogDeletes = Readonly<Record<WatchedCatalog, number>>;

/**
 * Counts deleted rows, without those that the transaction made itself: VACUUM FULL makes and drops a
 * transient table, which is no loss.
 */
export function countCatalogDeletes(changes: readonly CatalogRowChange[]): CatalogDeletes {
  const own = new Set<string>();
  const deletes = { class: 0, type: 0, namespace: 0 };
  for (const { catalog, removed, added } of changes) {
    const wasOwn = removed >= 0 && own.delete(`${catalog}/${removed}`);
    if (added < 0) deletes[catalog] += wasOwn ? 0 : 1;
    else if (removed < 0 || wasOwn) own.add(`${catalog}/${added}`);
  }
  return deletes;
}

/** What a heap record, or a multi-insert, changes in a catalog. `block` is its block 0. */
export function catalogRowChanges(
  record: WalRecord,
  block: WalBlock,
  catalog: WatchedCatalog,
): CatalogRowChange[] {
  const { start: position } = record;
  const tid = (offset: number) => packTid(block.blockNumber, offset);
  if (record.resourceManager === manager.heap2) {
    return Array.from({ length: multiInsertCount(record) }, (_, index) => {
      const added = tid(multiInsertOffset(record, index));
      return { position, catalog, removed: -1, added };
    });
  }
  switch (record.info & 0x70) {
    case heapOperation.insert:
      return [{ position, catalog, removed: -1, added: tid(insertedOffset(record)) }];
    case heapOperation.delete:
      return [{ position, catalog, removed: tid(deletedOffset(record)), added: -1 }];
    case heapOperation.update:
    case heapOperation.hotUpdate: {
      const removed = packTid(updatedOldBlock(record, block), updatedOldOffset(record));
      return [{ position, catalog, removed, added: tid(updatedNewOffset(record)) }];
    }
    default:
      return [];
  }
}
