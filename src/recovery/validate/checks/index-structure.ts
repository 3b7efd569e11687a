import { type Check, type CheckPlan, type CheckUnit, type NotChecked, whole } from '../check.ts';
import { describeRelation } from '../describe-relation.ts';
import type { Desk } from '../desk.ts';
import { ensureExtension, regclass } from '../ensure-extension.ts';
import type { Place } from '../place.ts';
import { type StoredRelation, storedRelations } from '../relations.ts';

export const indexStructure = Object.freeze<Check>({
  name: 'index-structure',
  title: 'indexes are in order and know every row (amcheck)',
  objects: ['index', 'indexes'],
  plan,
});

async function plan(place: Place, desk: Desk): Promise<CheckPlan> {
  const units: CheckUnit[] = [];
  const notChecked: NotChecked[] = [];
  for (const database of place.databases) {
    const indexes = await storedRelations(desk, [database], ['i']);
    const amcheck = await ensureExtension(desk, database.name, 'amcheck', [
      place.kind === 'copy'
        ? 'bt_index_parent_check(regclass,boolean,boolean)'
        : 'bt_index_check(regclass,boolean)',
      ...(place.major >= 18 ? ['gin_index_check(regclass)'] : []),
    ]);
    if ('why' in amcheck) {
      notChecked.push({ what: `indexes of ${database.name}`, why: amcheck.why });
      continue;
    }
    const usable = await usableIndexes(desk, database.name);
    const others = new Map<string, number>();
    for (const index of indexes) {
      const call = callFor(place, index, amcheck.schema);
      if (call === undefined) others.set(index.method, (others.get(index.method) ?? 0) + 1);
      else if (usable.has(index.oid)) units.push(unitOf(index, call));
    }
    for (const [method, count] of others) {
      const what = `${count} ${method} ${count === 1 ? 'index' : 'indexes'} of ${database.name}`;
      notChecked.push({
        what,
        why: `amcheck knows none of this kind in PostgreSQL ${place.major}`,
      });
    }
  }
  return { units, notChecked };
}

/** Those that are valid; the others are named by another check. */
async function usableIndexes(desk: Desk, database: string): Promise<ReadonlySet<number>> {
  const session = await desk.session(database);
  const rows = await session.rows<{ oid: number }>(
    'select indexrelid::int8::float8 as oid from pg_index where indisvalid and indisready',
  );
  return new Set(rows.map(({ oid }) => oid));
}

/**
 * On a copy the whole tree is verified, under a lock that keeps writers away; on a live server what can be without. Both look for
 * every row of the table in the index.
 */
function callFor(place: Place, index: StoredRelation, schema: string): string | undefined {
  const target = regclass(index.oid);
  if (index.method === 'btree') {
    return place.kind === 'copy'
      ? `${schema}.bt_index_parent_check(${target}, true, true)`
      : `${schema}.bt_index_check(${target}, true)`;
  }
  if (index.method === 'gin' && place.major >= 18) return `${schema}.gin_index_check(${target})`;
  return undefined;
}

function unitOf(index: StoredRelation, call: string): CheckUnit {
  return {
    object: describeRelation(index),
    bytes: index.bytes,
    run: async (desk) => {
      const session = await desk.session(index.database);
      await session.run(`select ${call}`);
      return whole;
    },
  };
}
