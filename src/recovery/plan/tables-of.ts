import type { TableName } from '../extract/parts.ts';
import type { SourceFacts } from './facts.ts';
import type { Considered } from './preconditions.ts';
import { relevantSuspects } from './relevant-suspects.ts';

/** Tables of one database that are fetched from the past. */
export interface TableGroup {
  readonly database: string;
  /** Empty: the whole database. */
  readonly tables: readonly TableName[];
  /** `original`: nothing of their names is there any more. */
  readonly into: 'original' | 'side-schema';
}

/** Which tables a method fetches; of a named few only these. Empty: nobody knows. */
export function tablesOf({
  source,
  facts,
  situation,
}: Omit<Considered, 'method'>): readonly TableGroup[] {
  const { wish } = facts;
  if (wish.tables !== undefined) {
    const database = wish.database ?? source.database;
    if (database === undefined) return [];
    return grouped(
      wish.tables.map((table) => ({ database, table, isGone: isGone(source, database, table) })),
    );
  }
  const { database: whole } = wish;
  if (whole !== undefined) return [{ database: whole, tables: [], into: 'original' }];
  // Who names a moment alone means all of it.
  if (situation === 'moment-named') return [];
  if (situation === 'part-corrupted') {
    return grouped(source.damage.damagedTables.map((each) => ({ ...named(each), isGone: false })));
  }
  const suspects = relevantSuspects(source, wish);
  const databases = suspects
    .filter(({ kind }) => kind === 'drop-database')
    .flatMap((each) => each.databases.flatMap(({ name }) => name ?? []));
  if (databases.length > 0) {
    return databases.map((database) => ({ database, tables: [], into: 'original' }));
  }
  const touched = suspects
    .flatMap(({ tables }) => tables)
    .flatMap(({ database, schema, name, action }) =>
      database === null || schema === null || name === null
        ? []
        : [{ database, table: { schema, name }, isGone: action === 'dropped' }],
    );
  if (touched.length > 0) return grouped(touched);
  const { missingTables, shortTables } = source.damage;
  return grouped([
    ...missingTables.map((each) => ({ ...named(each), isGone: true })),
    ...shortTables.map((each) => ({ ...named(each), isGone: false })),
  ]);
}

interface Wanted {
  readonly database: string;
  readonly table: TableName;
  readonly isGone: boolean;
}

function named({ database, schema, name }: { database: string; schema: string; name: string }) {
  return { database, table: { schema, name } };
}

/** One group for what goes back under its own name and one for what goes beside, of each database; each table once. */
function grouped(wanted: readonly Wanted[]): readonly TableGroup[] {
  const groups = new Map<
    string,
    { database: string; into: TableGroup['into']; all: TableName[] }
  >();
  for (const { database, table, isGone: gone } of wanted) {
    const into = gone ? 'original' : 'side-schema';
    const key = `${database}/${into}`;
    const group = groups.get(key) ?? { database, into, all: [] };
    groups.set(key, group);
    const isKnown = group.all.some(
      ({ schema, name }) => schema === table.schema && name === table.name,
    );
    if (!isKnown) group.all.push(table);
  }
  return [...groups.values()].map(({ database, into, all }) => ({ database, tables: all, into }));
}

function isGone({ damage }: SourceFacts, database: string, table: TableName): boolean {
  const dropped = damage.suspects
    .flatMap(({ tables }) => tables)
    .filter(({ action }) => action === 'dropped');
  return [...damage.missingTables, ...dropped].some(
    (each) =>
      each.database === database &&
      each.name === table.name &&
      (table.schema === undefined || table.schema === each.schema),
  );
}
