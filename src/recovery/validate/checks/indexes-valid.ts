import { type Check, type CheckPlan, type CheckUnit, whole } from '../check.ts';
import { describeRelation } from '../describe-relation.ts';
import type { Desk } from '../desk.ts';
import type { FormerState, FormerTable } from '../former-state.ts';
import type { Place } from '../place.ts';
import { isSystemSchema } from './former-there.ts';

interface Row {
  oid: number;
  schema: string;
  name: string;
  valid: boolean;
  ready: boolean;
}

export const indexesValid = Object.freeze<Check>({
  name: 'indexes-valid',
  title: 'every index is there and in use',
  objects: ['index', 'indexes'],
  plan,
});

async function plan(place: Place, desk: Desk): Promise<CheckPlan> {
  const units: CheckUnit[] = [];
  for (const { name: database } of place.databases) {
    const session = await desk.session(database);
    const rows = await session.rows<Row>(
      `select c.oid::int8::float8 as oid, n.nspname::text as schema, c.relname::text as name,
         i.indisvalid as valid, i.indisready and i.indislive as ready
       from pg_index i join pg_class c on c.oid = i.indexrelid
       join pg_namespace n on n.oid = c.relnamespace
       where c.relkind = 'i' and c.relpersistence <> 't' order by c.oid`,
    );
    const there = new Set(rows.map(({ oid }) => oid));
    units.push(...rows.map((row) => unitOf(database, row)));
    const { former } = place;
    if (former === undefined) continue;
    const missing = former.tables.filter(
      (each) => each.kind === 'i' && each.database === database && !there.has(each.oid),
    );
    const gone = await withoutNamesakes(desk, database, missing);
    units.push(...gone.map((each) => goneUnit(former, each)));
  }
  return { units, notChecked: [] };
}

/** REINDEX CONCURRENTLY gives an index another oid, and its name. */
async function withoutNamesakes(
  desk: Desk,
  database: string,
  gone: readonly FormerTable[],
): Promise<readonly FormerTable[]> {
  if (gone.length === 0) return [];
  const session = await desk.session(database);
  const rows = await session.rows<{ name: string }>(
    `select n.nspname || '.' || c.relname as name from pg_class c
     join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('i', 'I')`,
  );
  const names = new Set(rows.map(({ name }) => name));
  return gone.filter(
    ({ schema, name }) => !isSystemSchema(schema) && !names.has(`${schema}.${name}`),
  );
}

function unitOf(database: string, { schema, name, valid, ready }: Row): CheckUnit {
  const problem = 'it is invalid: PostgreSQL does not use it (REINDEX it, or drop it)';
  return {
    object: describeRelation({ database, schema, name }),
    bytes: 0,
    run: async () => (valid && ready ? whole : { problems: [problem] }),
  };
}

function goneUnit({ time }: FormerState, index: FormerTable): CheckUnit {
  return {
    object: describeRelation(index),
    bytes: 0,
    run: async () => ({
      problems: [`it is gone; it was there at ${time.toISOString()}`],
    }),
  };
}
