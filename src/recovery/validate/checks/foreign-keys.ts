import { quoteName, quoteQualified } from '../../rescue/sql-text.ts';
import type { Check, CheckPlan, CheckUnit, NotChecked } from '../check.ts';
import { describeRelation } from '../describe-relation.ts';
import type { Desk } from '../desk.ts';
import type { Place } from '../place.ts';
import { sizeOf } from '../relations.ts';

interface ForeignKey {
  constraint: string;
  schema: string;
  name: string;
  kind: string;
  parentSchema: string;
  parentName: string;
  parentKind: string;
  columns: string[];
  parentColumns: string[];
  operators: string[];
  /** What the server itself adds where the two columns have different ones, else ''. */
  collations: string[];
  full: boolean;
  validated: boolean;
  enforced: boolean;
  period: boolean;
  /** To compare its columns one is converted from or to a type of a user's, maybe by a function of that user. */
  converts: boolean;
  bytes: string;
}

export const foreignKeys = Object.freeze<Check>({
  name: 'foreign-keys',
  title: 'every foreign key finds its row',
  objects: ['foreign key', 'foreign keys'],
  plan,
});

async function plan(place: Place, desk: Desk): Promise<CheckPlan> {
  const units: CheckUnit[] = [];
  const notChecked: NotChecked[] = [];
  for (const { name: database } of place.databases) {
    for (const key of await keysOf(desk, database)) {
      const what = `${key.constraint} of ${describeRelation({ database, ...key })}`;
      const why = whyNot(key, place);
      if (why === undefined) units.push(unitOf(database, key, what));
      else notChecked.push({ what, why });
    }
  }
  return { units, notChecked };
}

function whyNot(
  { enforced, validated, period, converts }: ForeignKey,
  { kind }: Place,
): string | undefined {
  if (!enforced) return 'it is NOT ENFORCED';
  if (!validated) return 'it is NOT VALID: the server itself does not vouch for the rows before it';
  if (period) return 'it is one over a PERIOD';
  if (converts && kind === 'live') {
    return 'a cast between its columns may run code of the database: only on a copy, by a proof';
  }
  return undefined;
}

/** Those of partitions follow from the one of the partitioned table. */
async function keysOf(desk: Desk, database: string): Promise<readonly ForeignKey[]> {
  const session = await desk.session(database);
  const since18 = desk.place.major >= 18;
  const columns = (numbers: string, relation: string) => `array(
    select a.attname::text from unnest(${numbers}) with ordinality as k(n, place)
    join pg_attribute a on a.attrelid = ${relation} and a.attnum = k.n order by k.place)`;
  const convertedTo = (input: string, column: string) => `exists (
    select from pg_type t join pg_type base on base.oid = coalesce(nullif(t.typbasetype, 0), t.oid)
      join pg_type wanted on wanted.oid = ${input}
    where t.oid = ${column} and base.oid <> wanted.oid and wanted.typtype <> 'p'
      and base.typnamespace <> 'pg_catalog'::regnamespace)`;
  return await session.rows<ForeignKey>(
    `select con.conname::text as constraint, n.nspname::text as schema, c.relname::text as name,
       c.relkind::text as kind, pn.nspname::text as "parentSchema", p.relname::text as "parentName",
       p.relkind::text as "parentKind", con.confmatchtype = 'f' as full, con.convalidated as validated,
       ${since18 ? 'con.conenforced' : 'true'} as enforced,
       ${since18 ? 'con.conperiod' : 'false'} as period,
       ${columns('con.conkey', 'con.conrelid')} as columns,
       ${columns('con.confkey', 'con.confrelid')} as "parentColumns",
       array(select format('operator(%I.%s)', o.nspname, op.oprname)
         from unnest(con.conpfeqop) with ordinality as k(id, place)
         join pg_operator op on op.oid = k.id join pg_namespace o on o.oid = op.oprnamespace
         order by k.place) as operators,
       array(select case when a.attcollation = b.attcollation or b.attcollation = 0 then ''
           else (select format(' collate %I.%I', o.nspname, l.collname) from pg_collation l
             join pg_namespace o on o.oid = l.collnamespace where l.oid = b.attcollation) end
         from unnest(con.conkey, con.confkey) with ordinality as k(own, theirs, place)
         join pg_attribute a on a.attrelid = con.conrelid and a.attnum = k.own
         join pg_attribute b on b.attrelid = con.confrelid and b.attnum = k.theirs
         order by k.place) as collations,
       exists (select from unnest(con.conkey, con.confkey, con.conpfeqop) as k(own, theirs, id)
         join pg_operator op on op.oid = k.id
         join pg_attribute a on a.attrelid = con.conrelid and a.attnum = k.own
         join pg_attribute b on b.attrelid = con.confrelid and b.attnum = k.theirs
         where ${convertedTo('op.oprright', 'a.atttypid')}
           or ${convertedTo('op.oprleft', 'b.atttypid')}) as converts,
       (${sizeOf('c', desk.place)} + ${sizeOf('p', desk.place)})::text as bytes
     from pg_constraint con
     join pg_class c on c.oid = con.conrelid join pg_namespace n on n.oid = c.relnamespace
     join pg_class p on p.oid = con.confrelid join pg_namespace pn on pn.oid = p.relnamespace
     where con.contype = 'f' and con.conparentid = 0 and c.relpersistence <> 't' order by con.oid`,
  );
}

function unitOf(database: string, key: ForeignKey, object: string): CheckUnit {
  return {
    object,
    bytes: Number(key.bytes),
    run: async (desk) => {
      const session = await desk.session(database, 'reader');
      const [row] = await session.rows<{ orphans: string }>(orphanQuery(key));
      const { orphans = '0' } = row ?? {};
      if (orphans === '0') return { problems: [] };
      const parent = describeRelation({ database, schema: key.parentSchema, name: key.parentName });
      const rows = orphans === '1' ? '1 row refers' : `${orphans} rows refer`;
      return { problems: [`${rows} to one of ${parent} that is not there`] };
    },
  };
}

/** Rows without the row they refer to; with MATCH FULL also those of which only some columns are null. */
function orphanQuery(key: ForeignKey): string {
  const only = (kind: string) => (kind === 'p' ? '' : 'only ');
  const child = only(key.kind) + quoteQualified(key.schema, key.name);
  const parent = only(key.parentKind) + quoteQualified(key.parentSchema, key.parentName);
  const own = key.columns.map((name) => `f.${quoteName(name)}`);
  const theirs = key.parentColumns.map((name) => `p.${quoteName(name)}`);
  const joined = own.map(
    (column, at) => `${theirs[at]} ${key.operators[at]} ${column}${key.collations[at]}`,
  );
  const set = own.map((column) => `${column} is not null`).join(key.full ? ' or ' : ' and ');
  return `select count(*)::text as orphans from ${child} f left join ${parent} p on ${joined.join(' and ')}
    where ${theirs[0]} is null and (${set})`;
}
