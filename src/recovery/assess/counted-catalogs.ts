import type { BaselineDatabase, BaselineRecord, CatalogRecord } from '../../sources/index.ts';
import { parseLsn } from '../../wal/index.ts';

type Relations = CatalogRecord['databases'][number]['relations'];

/**
 * The catalogs, and for each baseline the names of its moment with the rows that it counted: a catalog is stored only when names
 * change, a baseline every hour.
 */
export function withCounts(
  catalogs: readonly CatalogRecord[],
  baselines: readonly BaselineRecord[],
): readonly CatalogRecord[] {
  const sorted = catalogs.toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time));
  const known = new Set(catalogs.map(momentOf));
  const counted = baselines
    .filter((each) => !known.has(momentOf(each)))
    .flatMap((baseline) => {
      const named = sorted.findLast((each) => isBefore(each, baseline));
      return named === undefined ? [] : [countedBy(named, baseline)];
    });
  return [...sorted, ...counted];
}

function momentOf({ timeline, lsn, time }: CatalogRecord | BaselineRecord): string {
  return `${timeline} ${lsn} ${time}`;
}

function isBefore(catalog: CatalogRecord, baseline: BaselineRecord): boolean {
  return (
    catalog.systemId === baseline.systemId &&
    catalog.timeline === baseline.timeline &&
    parseLsn(catalog.lsn) <= parseLsn(baseline.lsn)
  );
}

function countedBy(catalog: CatalogRecord, baseline: BaselineRecord): CatalogRecord {
  const { systemId, timeline, lsn, time } = baseline;
  const counts = new Map(baseline.databases.map((database) => [database.oid, database]));
  const databases = catalog.databases.map((database) => {
    const relations = recount(database.relations, counts.get(database.oid));
    return { ...database, relations };
  });
  return { systemId, timeline, lsn, time, databases };
}

/** What the baseline does not count has no number: an older one is not of this moment. */
function recount(relations: Relations, counted: BaselineDatabase | undefined): Relations {
  const tables = new Map((counted?.tables ?? []).map((table) => [table.oid, table]));
  return relations.map((relation) => {
    const { rows: _, rowsExact: __, ...named } = relation;
    const { rows, rowsExact = false } = tables.get(relation.oid) ?? {};
    if (rows !== undefined) return { ...named, rows, rowsExact };
    return relation.rows === undefined ? relation : named;
  });
}
