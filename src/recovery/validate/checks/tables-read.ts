import { quoteQualified } from '../../rescue/sql-text.ts';
import type { Check, CheckUnit } from '../check.ts';
import { whole } from '../check.ts';
import { describeRelation } from '../describe-relation.ts';
import { rowsKey } from '../place.ts';
import { type StoredRelation, storedRelations } from '../relations.ts';

export const tablesRead = Object.freeze<Check>({
  name: 'tables-read',
  title: 'every table can be read, whole',
  objects: ['table', 'tables'],
  plan: async (place, desk) => {
    const tables = await storedRelations(desk, place.databases, ['r', 'm']);
    return {
      units: tables.map(unitOf),
      notChecked: place.closedDatabases.map((name) => ({
        what: `database ${name}`,
        why: 'it takes no connections; its pages are checked all the same',
      })),
    };
  },
});

/**
 * As text every value is taken apart, also those that are stored compressed or out of line. By concat, which knows only the server's own
 * output functions: a cast to text may be one of the table's owner.
 */
function unitOf(table: StoredRelation): CheckUnit {
  return {
    object: describeRelation(table),
    bytes: table.bytes,
    run: async (desk) => {
      // Only a superuser may read all of the catalogs; nothing in them runs code of others.
      const session = await desk.session(table.database, table.isSystem ? 'superuser' : 'reader');
      const [row] = await session.rows<{ rows: string }>(
        `select count(*)::text as rows, sum(octet_length(concat(t.*))) as bytes
         from only ${quoteQualified(table.schema, table.name)} t`,
      );
      if (!table.isUnlogged) {
        desk.place.rows.set(rowsKey(table.database, table.oid), Number(row?.rows ?? 0));
      }
      return whole;
    },
  };
}
