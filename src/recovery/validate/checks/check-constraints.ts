import { quoteQualified } from '../../rescue/sql-text.ts';
import type { Check, CheckPlan, CheckUnit, NotChecked } from '../check.ts';
import { describeRelation } from '../describe-relation.ts';
import type { Desk } from '../desk.ts';
import type { Place } from '../place.ts';
import { sizeOf } from '../relations.ts';

interface Constraint {
  constraint: string;
  schema: string;
  name: string;
  expression: string;
  validated: boolean;
  enforced: boolean;
  bytes: string;
}

export const checkConstraints = Object.freeze<Check>({
  name: 'check-constraints',
  title: 'every check constraint holds',
  objects: ['check constraint', 'check constraints'],
  plan,
});

async function plan(place: Place, desk: Desk): Promise<CheckPlan> {
  if (place.kind === 'live') {
    const why = 'their expressions run code of the database: only on a copy, by a proof';
    return { units: [], notChecked: [{ what: 'check constraints', why }] };
  }
  const units: CheckUnit[] = [];
  const notChecked: NotChecked[] = [];
  for (const { name: database } of place.databases) {
    const session = await desk.session(database);
    const found = await session.rows<Constraint>(
      `select con.conname::text as constraint, n.nspname::text as schema, c.relname::text as name,
         pg_get_expr(con.conbin, con.conrelid) as expression, con.convalidated as validated,
         ${place.major >= 18 ? 'con.conenforced' : 'true'} as enforced,
         ${sizeOf('c', place)}::text as bytes
       from pg_constraint con join pg_class c on c.oid = con.conrelid
       join pg_namespace n on n.oid = c.relnamespace
       where con.contype = 'c' and c.relkind = 'r' and c.relpersistence <> 't'
         and n.nspname not in ('pg_catalog', 'information_schema') order by con.oid`,
    );
    for (const each of found) {
      const what = `${each.constraint} of ${describeRelation({ database, ...each })}`;
      const isVouchedFor = each.validated && each.enforced;
      if (isVouchedFor) units.push(unitOf(database, each, what));
      else notChecked.push({ what, why: each.enforced ? 'it is NOT VALID' : 'it is NOT ENFORCED' });
    }
  }
  return { units, notChecked };
}

/** Each table has its own constraint, also one that it inherits: ONLY its rows. */
function unitOf(database: string, each: Constraint, object: string): CheckUnit {
  return {
    object,
    bytes: Number(each.bytes),
    run: async (desk) => {
      const session = await desk.session(database, 'reader');
      const [row] = await session.rows<{ broken: string }>(
        `select count(*)::text as broken from only ${quoteQualified(each.schema, each.name)}
         where not (${each.expression})`,
      );
      const { broken = '0' } = row ?? {};
      if (broken === '0') return { problems: [] };
      return { problems: [`${broken} ${broken === '1' ? 'row breaks' : 'rows break'} it`] };
    },
  };
}
