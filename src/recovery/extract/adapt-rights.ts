import type { Session } from '../rescue/session.ts';
import { quoteName, quoteQualified } from '../rescue/sql-text.ts';
import type { LeftOut } from './cut-ties.ts';
import { findObjects, type PartObject } from './part-objects.ts';
import type { ChosenParts } from './parts.ts';
import { requireRole } from './require-role.ts';

/** Who loads the parts, and which roles there are at the target. */
export interface TargetRoles {
  readonly loader: string;
  readonly isSuperuser: boolean;
  readonly names: ReadonlySet<string>;
}

export async function readTargetRoles(target: Session): Promise<TargetRoles> {
  const [self] = await target.rows<{ name: string; superuser: boolean }>(
    'select rolname::text as name, rolsuper as superuser from pg_roles where rolname = current_user',
  );
  const roles = await target.rows<{ name: string }>('select rolname::text as name from pg_roles');
  return {
    loader: self?.name ?? '',
    isSuperuser: self?.superuser ?? false,
    names: new Set(roles.map(({ name }) => name)),
  };
}

/**
 * Makes the copy's owners and rights such that the target can take them: what belongs to a role that is missing there, or that the
 * loader may not give things to, becomes the loader's; grants to missing roles go. Each comes back as the SQL that restores it.
 */
export async function adaptRights(
  past: Session,
  parts: ChosenParts,
  roles: TargetRoles,
): Promise<LeftOut[]> {
  const objects = await findObjects(past, parts);
  const left = [
    ...(await changeOwners(past, objects, roles)),
    ...(await dropMissingPolicies(past, parts, roles)),
    ...missingGrants(objects, roles),
  ];
  await removeGrants(past, roles);
  return left;
}

async function changeOwners(
  past: Session,
  objects: readonly PartObject[],
  roles: TargetRoles,
): Promise<LeftOut[]> {
  const { loader, isSuperuser, names } = roles;
  const isUsable = (owner: string) => owner === loader || (isSuperuser && names.has(owner));
  const foreign = objects.filter(({ owner }) => !isUsable(owner));
  if (foreign.length === 0) return [];
  await requireRole(past, loader);
  for (const { ownerKind, name, followsTable } of foreign) {
    if (!followsTable) await past.run(`alter ${ownerKind} ${name} owner to ${quoteName(loader)}`);
  }
  return foreign
    .filter(({ followsTable }) => !followsTable)
    .map(({ ownerKind, name, owner }) => ({
      what: `${owner} as the owner of ${name}${names.has(owner) ? '' : ' (no such role there)'}`,
      sql: `ALTER ${ownerKind.toUpperCase()} ${name} OWNER TO ${quoteName(owner)};`,
    }));
}

function missingGrants(objects: readonly PartObject[], { names }: TargetRoles): LeftOut[] {
  return objects.flatMap(({ grantKind, name, owner, grants }) =>
    grants
      .filter(({ role }) => role !== owner && !names.has(role))
      .map(({ role, privileges, column, grantable }) => {
        const of = column === null ? '' : ` (${quoteName(column)})`;
        const listed = privileges.map((each) => `${each}${of}`).join(', ');
        const option = grantable ? ' WITH GRANT OPTION' : '';
        return {
          what: `rights of ${role} on ${name} (no such role there)`,
          sql: `GRANT ${listed} ON ${grantKind.toUpperCase()} ${name} TO ${quoteName(role)}${option};`,
        };
      }),
  );
}

async function dropMissingPolicies(
  past: Session,
  parts: ChosenParts,
  { names }: TargetRoles,
): Promise<LeftOut[]> {
  const policies = await past.rows<{
    schema: string;
    table: string;
    name: string;
    permissive: string;
    roles: string[];
    command: string;
    using: string | null;
    check: string | null;
  }>(
    `select schemaname::text as schema, tablename::text as table, policyname::text as name, permissive,
        roles::text[] as roles, cmd as command, qual as using, with_check as check
       from pg_policies p join pg_namespace n on n.nspname = p.schemaname
       join pg_class c on c.relnamespace = n.oid and c.relname = p.tablename
      where c.oid = any ($1::int8[]::oid[]) order by 1, 2, 3`,
    [parts.tables.map(({ oid }) => oid)],
  );
  const left: LeftOut[] = [];
  for (const each of policies) {
    if (each.roles.every((role) => role === 'public' || names.has(role))) continue;
    const table = quoteQualified(each.schema, each.table);
    await past.run(`drop policy ${quoteName(each.name)} on ${table}`);
    const to = each.roles.map((role) => (role === 'public' ? role : quoteName(role))).join(', ');
    left.push({
      what: `the policy ${each.name} of ${table} (it names a role that is not there)`,
      sql: `CREATE POLICY ${quoteName(each.name)} ON ${table} AS ${each.permissive} FOR ${each.command} TO ${to}${
        each.using === null ? '' : ` USING (${each.using})`
      }${each.check === null ? '' : ` WITH CHECK (${each.check})`};`,
    });
  }
  return left;
}

const withGrants = [
  ['pg_class', 'relacl'],
  ['pg_attribute', 'attacl'],
  ['pg_proc', 'proacl'],
  ['pg_type', 'typacl'],
  ['pg_namespace', 'nspacl'],
] as const;

/**
 * Of roles that are missing at the target, on the copy: as givers and as takers. The rows are changed: REVOKE acts only for one
 * giver. Default rights for objects to come are for the target to decide.
 */
async function removeGrants(past: Session, { names }: TargetRoles): Promise<void> {
  await past.run('set allow_system_table_mods = on');
  for (const [catalog, acl] of withGrants) {
    await past.run(
      `update pg_catalog.${catalog} set ${acl} = kept.items from (
         select ctid as place, array(
           select item from unnest(${acl}) with ordinality as each (item, nth)
            where not exists (select from aclexplode(array[item]) x join pg_roles r
              on r.oid in (x.grantee, x.grantor) where not r.rolname = any ($1)) order by nth) as items
         from pg_catalog.${catalog} where ${acl} is not null) kept
        where ctid = kept.place and kept.items is distinct from ${acl}`,
      [[...names]],
    );
  }
  await past.run('delete from pg_catalog.pg_default_acl');
  await past.run('reset allow_system_table_mods');
}
