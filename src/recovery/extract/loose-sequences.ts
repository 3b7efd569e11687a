import type { Session } from '../rescue/session.ts';
import type { ChosenParts } from './parts.ts';

export interface LooseSequence {
  readonly schema: string;
  readonly name: string;
  /** One of the chosen tables whose defaults draw from it. */
  readonly table: string;
  /** Other tables draw from it too, or own it. */
  readonly isShared: boolean;
}

/** Sequences that defaults of chosen tables draw from and that no column of a chosen table owns. */
export async function looseSequences(
  past: Session,
  parts: ChosenParts,
): Promise<readonly LooseSequence[]> {
  return await past.rows<LooseSequence>(
    `with chosen as (select unnest($1::int8[])::oid as oid), uses as (
       select distinct d.refobjid as sequence, a.adrelid as user_table
         from pg_depend d join pg_attrdef a on a.oid = d.objid
        where d.classid = 'pg_attrdef'::regclass and d.refclassid = 'pg_class'::regclass),
     owners as (
       select d.objid as sequence, d.refobjid as owner from pg_depend d
        where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i'))
     select n.nspname::text as schema, s.relname::text as name, min(format('%I', t.relname)) as table,
         exists (select from uses u where u.sequence = s.oid and u.user_table not in (select oid from chosen))
           or exists (select from owners o where o.sequence = s.oid) as "isShared"
       from uses join chosen on chosen.oid = uses.user_table
       join pg_class s on s.oid = uses.sequence and s.relkind = 'S'
       join pg_namespace n on n.oid = s.relnamespace join pg_class t on t.oid = uses.user_table
      where not exists (select from owners o where o.sequence = s.oid and o.owner in (select oid from chosen))
      group by s.oid, n.nspname, s.relname order by 1, 2`,
    [parts.tables.map(({ oid }) => oid)],
  );
}
