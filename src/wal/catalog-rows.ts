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
