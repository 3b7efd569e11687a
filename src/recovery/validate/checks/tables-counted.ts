import { quoteQualified } from '../../rescue/sql-text.ts';
import { type Check, type CheckUnit, whole } from '../check.ts';
import { describeRelation } from '../describe-relation.ts';
import { rowsKey } from '../place.ts';
import { countedQuickly } from '../quick-bounds.ts';
import { type StoredRelation, storedRelations } from '../relations.ts';
import { isSystemSchema } from './former-there.ts';

/** Of every table. */
export const tablesCounted = countingOf((tables) => ({ counted: tables, left: [] }));

/** Of as many as nobody waits for long. */
export const tablesCountedQuickly = countingOf(countedQuickly);

function countingOf(
  choose: (tables: readonly StoredRelation[]) => ReturnType<typeof countedQuickly<StoredRelation>>,
): Check {
  return Object.freeze<Check>({
    name: 'tables-counted',
    title: 'the rows of every table can be counted',
    objects: ['table', 'tables'],
    plan: async (place, desk) => {
      const tables = await storedRelations(desk, place.databases, ['r', 'm']);
      const { counted, left } = choose(tables.filter(({ schema }) => !isSystemSchema(schema)));
      const closed = place.closedDatabases.map((name) => ({
        what: `database ${name}`,
        why: 'it takes no connections',
      }));
      const large = left.map((table) => ({
        what: describeRelation(table),
        why: 'more than a quick look counts; --validate full and `lifeboat prove` do',
      }));
      return { units: counted.map(unitOf), notChecked: [...closed, ...large] };
    },
  });
}

/** Counting takes no value apart, so that it runs no code of the database's users: a superuser may do it. */
function unitOf(table: StoredRelation): CheckUnit {
  return {
    object: describeRelation(table),
    bytes: table.bytes,
    run: async (desk) => {
      const session = await desk.session(table.database);
      const [row] = await session.rows<{ rows: string }>(
        `select count(*)::text as rows from only ${quoteQualified(table.schema, table.name)}`,
      );
      if (!table.isUnlogged) {
        desk.place.rows.set(rowsKey(table.database, table.oid), Number(row?.rows ?? 0));
      }
      return whole;
    },
  };
}
