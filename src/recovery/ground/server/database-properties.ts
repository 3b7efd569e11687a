import type { Session } from '../../rescue/session.ts';
import { quoteName, quoteText } from '../../rescue/sql-text.ts';

/** What a database is beside what is in it, and what a dump of its content does not hold. JSON. */
export interface DatabaseProperties {
  readonly encoding: string;
  readonly collate: string;
  readonly ctype: string;
  /** `libc`, `icu`, `builtin`. */
  readonly provider: string;
  readonly locale: string | null;
  readonly owner: string;
  /** -1: none. */
  readonly connectionLimit: number;
  readonly comment: string | null;
  readonly settings: readonly DatabaseSetting[];
  /** Null: those that every new database has. */
  readonly grants: readonly DatabaseGrant[] | null;
}

export interface DatabaseSetting {
  /** Null: for everyone. */
  readonly role: string | null;
  /** `search_path=a, "b"`. */
  readonly text: string;
}

export interface DatabaseGrant {
  /** Null: PUBLIC. */
  readonly role: string | null;
  readonly privilege: string;
  readonly isGrantable: boolean;
}

/** Undefined: there is no such database. Errors: `postgres.*`. */
export async function readProperties(
  session: Session,
  database: string,
): Promise<DatabaseProperties | undefined> {
  // Columns that came or changed their names with 15, 16 and 17: by way of JSON a missing one is null.
  const [found] = await session.rows<{ value: Omit<DatabaseProperties, 'settings' | 'grants'> }>(
    `select json_build_object('encoding', pg_encoding_to_char(encoding), 'collate', datcollate, 'ctype', datctype,
         'provider', case to_jsonb(d) ->> 'datlocprovider' when 'i' then 'icu' when 'b' then 'builtin' else 'libc' end,
         'locale', coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'),
         'owner', pg_get_userbyid(datdba), 'connectionLimit', datconnlimit,
         'comment', shobj_description(d.oid, 'pg_database')) as value
       from pg_database d where datname = $1`,
    [database],
  );
  if (!found) return undefined;
  const settings = await session.rows<DatabaseSetting>(
    `select rolname::text as role, text from pg_db_role_setting s join pg_database d on d.oid = setdatabase
       left join pg_roles r on r.oid = setrole cross join unnest(setconfig) as text
      where datname = $1 order by 1, 2`,
    [database],
  );
  const rights = await session.rows<DatabaseGrant & { isDefault: boolean }>(
    `select case when grantee = 0 then null else pg_get_userbyid(grantee)::text end as role,
         privilege_type as privilege, is_grantable as "isGrantable", datacl is null as "isDefault"
       from pg_database d left join aclexplode(datacl) on true where datname = $1 order by 1, 2`,
    [database],
  );
  const isDefault = rights.some((each) => each.isDefault);
  const grants = isDefault
    ? null
    : rights
        // An empty list is one row of nulls.
        .filter(({ privilege }) => privilege !== null)
        .map(({ role, privilege, isGrantable }) => ({ role, privilege, isGrantable }));
  return { ...found.value, settings, grants };
}

/** SQL that makes an empty database like another one, ready to be filled. */
export function createStatement(name: string, like: DatabaseProperties): string {
  const { encoding, collate, ctype, provider, locale } = like;
  const words = [
    `create database ${quoteName(name)} template template0 encoding ${quoteText(encoding)}`,
    `lc_collate ${quoteText(collate)} lc_ctype ${quoteText(ctype)}`,
    ...(provider === 'icu' ? [`locale_provider icu icu_locale ${quoteText(locale ?? '')}`] : []),
    ...(provider === 'builtin'
      ? [`locale_provider builtin builtin_locale ${quoteText(locale ?? '')}`]
      : []),
  ];
  return words.join(' ');
}

/** SQL that gives a database what `like` has; roles that are not there are left out. */
export function likenStatements(
  name: string,
  like: DatabaseProperties,
  roles: ReadonlySet<string>,
): readonly string[] {
  const database = quoteName(name);
  const isThere = (role: string | null) => role === null || roles.has(role);
  const { owner, connectionLimit, settings, grants } = like;
  return [
    ...ownerStatements(name, like, roles),
    `alter database ${database} connection limit ${connectionLimit}`,
    ...settings
      .filter(({ role }) => isThere(role))
      .map(({ role, text }) => settingStatement(database, role, text)),
    ...(grants === null
      ? []
      : [
          `revoke all on database ${database} from public`,
          ...(roles.has(owner)
            ? [`revoke all on database ${database} from ${quoteName(owner)}`]
            : []),
          ...grants
            .filter(({ role }) => isThere(role))
            .map((each) => grantStatement(database, each)),
        ]),
  ];
}

/** SQL that gives a database the owner that `like` has, if that role is there. */
export function ownerStatements(
  name: string,
  { owner }: DatabaseProperties,
  roles: ReadonlySet<string>,
): readonly string[] {
  return roles.has(owner) ? [`alter database ${quoteName(name)} owner to ${quoteName(owner)}`] : [];
}

function grantStatement(database: string, { role, privilege, isGrantable }: DatabaseGrant): string {
  const to = role === null ? 'public' : quoteName(role);
  return `grant ${privilege} on database ${database} to ${to}${isGrantable ? ' with grant option' : ''}`;
}

function settingStatement(database: string, role: string | null, text: string): string {
  const at = text.indexOf('=');
  const [name, value] = [text.slice(0, at), text.slice(at + 1)];
  const whom =
    role === null
      ? `alter database ${database}`
      : `alter role ${quoteName(role)} in database ${database}`;
  const parts = listsOfNames.has(name.toLowerCase()) ? splitNames(value) : [value];
  const quoted = parts.length === 0 ? `''` : parts.map(quoteText).join(', ');
  // Names with a class have a dot in them.
  return `${whom} set ${name.split('.').map(quoteName).join('.')} to ${quoted}`;
}

/** Settings whose value is a list of names, each quoted where it needs it (GUC_LIST_QUOTE). */
const listsOfNames: ReadonlySet<string> = new Set([
  'local_preload_libraries',
  'search_path',
  'session_preload_libraries',
  'shared_preload_libraries',
  'temp_tablespaces',
  'unix_socket_directories',
]);

function splitNames(value: string): readonly string[] {
  const names = value.match(/"(?:[^"]|"")*"|[^,\s]+/g) ?? [];
  return names.map((name) =>
    name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name,
  );
}
