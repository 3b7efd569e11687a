import type { ExpectedCounts } from '../../assess/expected-counts.ts';
import { type Check, type CheckPlan, type CheckUnit, whole } from '../check.ts';
import { describeRelation } from '../describe-relation.ts';
import type { Desk } from '../desk.ts';
import { type Place, rowsKey } from '../place.ts';
import { type StoredRelation, storedRelations } from '../relations.ts';
import { isSystemSchema } from './former-there.ts';

export const rowsAccounted = Object.freeze<Check>({
  name: 'rows-accounted',
  title: 'tables hold exactly the rows that the log accounts for',
  objects: ['table', 'tables'],
  isForCopies: true,
  plan,
});

async function plan(place: Place, desk: Desk): Promise<CheckPlan> {
  const { accounted } = place;
  if (accounted?.why !== undefined) {
    return { units: [], notChecked: [{ what: 'rows', why: accounted.why }] };
  }
  if (accounted === undefined) return { units: [], notChecked: [] };
  const units: CheckUnit[] = [];
  for (const database of place.databases) {
    const tables = await storedRelations(desk, [database], ['r', 'm']);
    units.push(
      ...tables
        .filter(({ schema }) => !isSystemSchema(schema))
        .map((each) => unitOf(each, accounted)),
    );
    const there = new Set(tables.map(({ oid }) => oid));
    for (const { schema, name } of accounted.missing(database.oid, there)) {
      units.push({
        object: describeRelation({ database: database.name, schema, name }),
        bytes: 0,
        run: async () => ({
          problems: ['it is missing, and the log does not say that it was dropped'],
        }),
      });
    }
  }
  return { units, notChecked: [] };
}

function unitOf(table: StoredRelation, accounted: ExpectedCounts): CheckUnit {
  const { databaseOid, oid, filenode, tablespace } = table;
  return {
    object: describeRelation(table),
    bytes: 0,
    run: async (desk) => {
      if (table.isUnlogged)
        return { problems: [], notChecked: 'it is unlogged: no backup holds it' };
      const now = desk.place.rows.get(rowsKey(table.database, oid));
      if (now === undefined) return { problems: [], notChecked: 'its rows were not counted' };
      const wanted = accounted.rowsOf({ database: databaseOid, oid, filenode, tablespace });
      if ('unknown' in wanted) return { problems: [], notChecked: wanted.unknown };
      if (wanted.rows === now) return whole;
      return { problems: [`it holds ${now} rows; the log accounts for ${wanted.rows}`] };
    },
  };
}
