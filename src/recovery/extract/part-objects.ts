import type { Session } from '../rescue/session.ts';
import type { ChosenParts } from './parts.ts';

export interface Grant {
  readonly role: string;
  readonly column: string | null;
  readonly privileges: readonly string[];
  readonly grantable: boolean;
}

/** Something with an owner and with rights. */
export interface PartObject {
  /** Quoted, as it stands in SQL. */
  readonly name: string;
  /** For `alter ... owner to`. */
  readonly ownerKind: string;
  /** For `grant ... on`. */
  readonly grantKind: string;
  readonly owner: string;
  /** Its owner changes with that of its table. */
  readonly followsTable: boolean;
  readonly grants: readonly Grant[];
}

interface Row extends Omit<PartObject, 'grants'> {
  readonly key: string;
}

/**
 * Relations, routines, types and schemas that the parts consist of; of single tables these and their sequences. Members of
 * extensions belong to whoever installs the extension.
 */
export async function findObjects(
  past: Session,
  parts: ChosenParts,
): Promise<readonly PartObject[]> {
  const values = [parts.tables.map(({ oid }) => oid), parts.scope, parts.schemas];
  const found = await past.rows<Row>(
    `${objects} select key, name, "ownerKind", "grantKind", pg_get_userbyid(owner)::text as owner,
       "followsTable" from objects order by name`,
    values,
  );
  const grants = await past.rows<Grant & { key: string }>(
    `${objects}, acls as (
       select key, null::text as column, acl from objects
       union all select 'pg_class ' || a.attrelid, a.attname::text, a.attacl from pg_attribute a
       join objects on objects.key = 'pg_class ' || a.attrelid where a.attacl is not null)
     select key, "column", pg_get_userbyid(x.grantee)::text as role,
        array_agg(x.privilege_type order by x.privilege_type) as privileges, x.is_grantable as grantable
       from acls, aclexplode(acls.acl) x where x.grantee <> 0
      group by key, "column", x.grantee, x.is_grantable order by 1, 2, 3`,
    values,
  );
  const byKey = Map.groupBy(grants, ({ key }) => key);
  return found.map(({ key, ...object }) => ({ ...object, grants: byKey.get(key) ?? [] }));
}

const isMember = (catalog: string) =>
  `exists (select from pg_depend d where d.classid = '${catalog}'::regclass and d.deptype = 'e' and d.objid = `;

const objects = `
  with chosen as (select unnest($1::int8[])::oid as oid), places as (
    select oid, nspname, nspowner, nspacl from pg_namespace
     where case when $2 = 'database'
       then nspname not in ('pg_catalog', 'information_schema', 'public') and nspname !~ '^pg_(toast|temp)'
       else nspname = any ($3) end),
  inside as (select oid, nspname from places union select oid, nspname from pg_namespace
     where $2 = 'database' and nspname = 'public'),
  owned as (select d.objid as oid from pg_depend d
     where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')),
  objects as (
    select 'pg_class ' || c.oid as key, format('%I.%I', n.nspname, c.relname) as name,
        case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence'
          when 'f' then 'foreign table' else 'table' end as "ownerKind",
        case c.relkind when 'S' then 'sequence' else 'table' end as "grantKind",
        c.relowner as owner, c.relkind = 'S' and c.oid in (select oid from owned) as "followsTable",
        c.relacl as acl
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and c.relpersistence <> 't'
       and not ${isMember('pg_class')} c.oid)
       and case when $2 = 'tables' then c.oid in (select oid from chosen) or c.oid in (
           select d.objid from pg_depend d join chosen on chosen.oid = d.refobjid
            where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
              and d.deptype in ('a', 'i'))
         else n.oid in (select oid from inside) end
    union all
    select 'pg_proc ' || p.oid, format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)),
        'routine', 'routine', p.proowner, false, p.proacl
      from pg_proc p join inside n on n.oid = p.pronamespace
     where $2 <> 'tables' and not ${isMember('pg_proc')} p.oid)
    union all
    select 'pg_type ' || t.oid, format('%I.%I', n.nspname, t.typname), 'type', 'type', t.typowner, false, t.typacl
      from pg_type t join inside n on n.oid = t.typnamespace left join pg_class c on c.oid = t.typrelid
     where $2 <> 'tables' and (t.typtype in ('e', 'd', 'r') or c.relkind = 'c') and not ${isMember('pg_type')} t.oid)
    union all
    select 'pg_namespace ' || n.oid, format('%I', n.nspname), 'schema', 'schema', n.nspowner, false, n.nspacl
      from places n where $2 <> 'tables')`;
