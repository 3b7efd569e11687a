import type { Check, CheckPlan, CheckUnit, NotChecked } from '../check.ts';
import { describeRelation } from '../describe-relation.ts';
import type { Desk } from '../desk.ts';
import { ensureExtension, regclass } from '../ensure-extension.ts';
import type { Place } from '../place.ts';
import { type StoredRelation, storedRelations } from '../relations.ts';

export const visibilityMap = Object.freeze<Check>({
  name: 'visibility-map',
  title: 'visibility maps hide no rows (pg_visibility)',
  objects: ['table', 'tables'],
  plan,
});

async function plan(place: Place, desk: Desk): Promise<CheckPlan> {
  const units: CheckUnit[] = [];
  const notChecked: NotChecked[] = [];
  for (const database of place.databases) {
    const visibility = await ensureExtension(desk, database.name, 'pg_visibility', [
      'pg_check_frozen(regclass)',
      'pg_check_visible(regclass)',
    ]);
    if ('why' in visibility) {
      notChecked.push({ what: `tables of ${database.name}`, why: visibility.why });
      continue;
    }
    const tables = await storedRelations(desk, [database], ['r', 'm', 't']);
    const heaps = tables.filter(({ method }) => method === 'heap');
    units.push(...heaps.map((table) => unitOf(table, visibility.schema)));
  }
  return { units, notChecked };
}

function unitOf(table: StoredRelation, schema: string): CheckUnit {
  return {
    object: describeRelation(table),
    bytes: table.bytes,
    run: async (desk) => {
      const session = await desk.session(table.database);
      const target = regclass(table.oid);
      const [row] = await session.rows<{ frozen: string; visible: string }>(
        `select (select count(*) from ${schema}.pg_check_frozen(${target}))::text as frozen,
           (select count(*) from ${schema}.pg_check_visible(${target}))::text as visible`,
      );
      const { frozen = '0', visible = '0' } = row ?? {};
      return {
        problems: [
          ...(frozen === '0' ? [] : [`${frozen} rows on pages marked all-frozen are not frozen`]),
          ...(visible === '0'
            ? []
            : [`${visible} rows on pages marked all-visible are not visible`]),
        ],
      };
    },
  };
}
