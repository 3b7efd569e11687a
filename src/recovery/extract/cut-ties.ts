import type { Session } from '../rescue/session.ts';
import { displayName, quoteName, quoteQualified } from '../rescue/sql-text.ts';
import type { ChosenParts } from './parts.ts';

/** Something that the parts had and that the extract has not: what, and the SQL that brings it back. */
export interface LeftOut {
  readonly what: string;
  readonly sql: string;
}

/**
 * Takes the chosen tables out of hierarchies of which the rest was not chosen. On the copy: a partition whose parent is missing
 * could not be loaded.
 */
export async function detachFromParents(past: Session, parts: ChosenParts): Promise<LeftOut[]> {
  const ties = await past.rows<Tie & { parent: string; partition: boolean; bound: string | null }>(
    `select ${tieNames}, ${qualified('pn', 'p')} as parent, p.relkind = 'p' as partition,
        pg_get_expr(c.relpartbound, c.oid) as bound
       from pg_inherits i
       join pg_class c on c.oid = i.inhrelid join pg_namespace n on n.oid = c.relnamespace
       join pg_class p on p.oid = i.inhparent join pg_namespace pn on pn.oid = p.relnamespace
      where i.inhrelid = any ($1::int8[]::oid[]) and not i.inhparent = any ($1::int8[]::oid[])
        and c.relkind in ('r', 'p')`,
    [oidsOf(parts)],
  );
  const left: LeftOut[] = [];
  for (const { schema, name, parent, partition, bound } of ties) {
    const table = quoteQualified(schema, name);
    if (partition) {
      await past.run(`alter table ${parent} detach partition ${table}`);
      left.push({
        what: `${displayName(schema, name)} is no partition of ${parent}`,
        sql: `ALTER TABLE ${parent} ATTACH PARTITION ${table} ${bound};`,
      });
      continue;
    }
    await past.run(`alter table ${table} no inherit ${parent}`);
    left.push({
      what: `${displayName(schema, name)} inherits nothing from ${parent}`,
      sql: `ALTER TABLE ${table} INHERIT ${parent};`,
    });
  }
  return left;
}

/**
 * Foreign keys to tables that were not chosen: adding one would lock that table and put triggers on it, or find it missing. In a
 * dump file they may stay.
 */
export async function cutOutwardKeys(
  past: Session,
  parts: ChosenParts,
  areKept: boolean,
): Promise<LeftOut[]> {
  const keys = await past.rows<Tie & { constraint: string; definition: string; other: string }>(
    `select ${tieNames}, con.conname::text as constraint, pg_get_constraintdef(con.oid) as definition,
        ${qualified('fn', 'f')} as other
       from pg_constraint con
       join pg_class c on c.oid = con.conrelid join pg_namespace n on n.oid = c.relnamespace
       join pg_class f on f.oid = con.confrelid join pg_namespace fn on fn.oid = f.relnamespace
      where con.contype = 'f' and con.conparentid = 0 and con.conrelid = any ($1::int8[]::oid[])
        and not con.confrelid = any ($1::int8[]::oid[])
      order by 1, 2, 3`,
    [oidsOf(parts)],
  );
  const left: LeftOut[] = [];
  for (const { schema, name, constraint, definition, other } of keys) {
    const table = quoteQualified(schema, name);
    if (!areKept) await past.run(`alter table ${table} drop constraint ${quoteName(constraint)}`);
    left.push({
      what: `the foreign key ${constraint} of ${displayName(schema, name)} to ${other}`,
      sql: `ALTER TABLE ${table} ADD CONSTRAINT ${quoteName(constraint)} ${definition};`,
    });
  }
  return left;
}

/** Triggers and rules would act on other tables as soon as somebody writes to the extract. */
export async function dropTriggers(past: Session, parts: ChosenParts): Promise<LeftOut[]> {
  const triggers = await past.rows<Tie & { trigger: string; definition: string }>(
    `select ${tieNames}, t.tgname::text as trigger, pg_get_triggerdef(t.oid) as definition
       from pg_trigger t join pg_class c on c.oid = t.tgrelid
       join pg_namespace n on n.oid = c.relnamespace
      where not t.tgisinternal and t.tgrelid = any ($1::int8[]::oid[])
        -- The copies of a trigger that partitions have go with it.
        and not exists (select from pg_depend d where d.classid = 'pg_trigger'::regclass
          and d.objid = t.oid and d.deptype in ('P', 'S', 'I'))
      order by 1, 2, 3`,
    [oidsOf(parts)],
  );
  const rules = await past.rows<Tie & { trigger: string; definition: string }>(
    `select ${tieNames}, r.rulename::text as trigger, pg_get_ruledef(r.oid) as definition
       from pg_rewrite r join pg_class c on c.oid = r.ev_class
       join pg_namespace n on n.oid = c.relnamespace
      where r.ev_type <> '1' and r.ev_class = any ($1::int8[]::oid[]) order by 1, 2, 3`,
    [oidsOf(parts)],
  );
  const left: LeftOut[] = [];
  for (const [kind, found] of [['trigger', triggers] as const, ['rule', rules] as const]) {
    for (const { schema, name, trigger, definition } of found) {
      await past.run(`drop ${kind} ${quoteName(trigger)} on ${quoteQualified(schema, name)}`);
      const what = `the ${kind} ${trigger} of ${displayName(schema, name)}`;
      left.push({ what, sql: definition.endsWith(';') ? definition : `${definition};` });
    }
  }
  return left;
}

interface Tie {
  readonly schema: string;
  readonly name: string;
}

const tieNames = 'n.nspname::text as schema, c.relname::text as name';
const qualified = (schema: string, table: string) =>
  `format('%I.%I', ${schema}.nspname, ${table}.relname)`;

function oidsOf({ tables }: ChosenParts): readonly number[] {
  return tables.map(({ oid }) => oid);
}
