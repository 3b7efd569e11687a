import type { Check, CheckPlan, CheckUnit, NotChecked } from '../check.ts';
import { describeRelation } from '../describe-relation.ts';
import type { Desk } from '../desk.ts';
import { ensureExtension, regclass } from '../ensure-extension.ts';
import type { Place } from '../place.ts';
import { type StoredRelation, storedRelations } from '../relations.ts';

export const heapStructure = Object.freeze<Check>({
  name: 'heap-structure',
  title: 'rows of tables are well formed (amcheck)',
  objects: ['table', 'tables'],
  plan,
});

async function plan(place: Place, desk: Desk): Promise<CheckPlan> {
  if (place.major < 14) {
    const why = `amcheck looks at tables from PostgreSQL 14 on; this is ${place.major}`;
    return { units: [], notChecked: [{ what: 'tables', why }] };
  }
  const units: CheckUnit[] = [];
  const notChecked: NotChecked[] = [];
  for (const database of place.databases) {
    const amcheck = await ensureExtension(desk, database.name, 'amcheck', [
      'verify_heapam(regclass,boolean,boolean,text,bigint,bigint)',
    ]);
    if ('why' in amcheck) {
      notChecked.push({ what: `tables of ${database.name}`, why: amcheck.why });
      continue;
    }
    const tables = await storedRelations(desk, [database], ['r', 'm', 't']);
    for (const table of tables) {
      if (table.method === 'heap') units.push(unitOf(table, amcheck.schema));
      else notChecked.push({ what: describeRelation(table), why: `it is kept by ${table.method}` });
    }
  }
  return { units, notChecked };
}

// on_error_stop, check_toast, skip, startblock, endblock: all of them, with their types, so that no other function fits as well.
const heapArguments = "false, true, 'none'::text, null::bigint, null::bigint";

function unitOf(table: StoredRelation, schema: string): CheckUnit {
  return {
    object: describeRelation(table),
    bytes: table.bytes,
    run: async (desk) => {
      const session = await desk.session(table.database);
      const found = await session.rows<{ block: string; offset: number | null; message: string }>(
        `select blkno::text as block, offnum as offset, msg as message
         from ${schema}.verify_heapam(${regclass(table.oid)}, ${heapArguments}) limit 20`,
      );
      return {
        problems: found.map(({ block, offset, message }) => {
          const place = offset === null ? `block ${block}` : `row (${block},${offset})`;
          return `${place}: ${message}`;
        }),
      };
    },
  };
}
