import type { Session } from '../../rescue/session.ts';
import type { ConnectGrant } from '../freeze-record.ts';

/** What a freeze changes of a database, as it is now. */
export interface DatabaseState {
  readonly oid: number;
  readonly name: string;
  readonly owner: number;
  readonly ownerName: string;
  /** Of the role of the session. */
  readonly mayAlter: boolean;
  /** `default_transaction_read_only` in the settings of the database. */
  readonly readOnly: string | null;
  readonly acl: string | null;
  readonly connectionLimit: number;
  /** Who may connect, by whom. */
  readonly connects: readonly ConnectGrant[];
}

/** Of the provider of a managed server: nobody else can enter them, and nobody's data is in there. */
const databasesOfProviders = ['rdsadmin', 'cloudsqladmin', 'alloydbadmin', 'azure_maintenance'];

const sql = `select d.oid::int8::float8 as oid, d.datname::text as name,
    d.datdba::int8::float8 as owner, pg_get_userbyid(d.datdba)::text as "ownerName",
    pg_has_role(d.datdba, 'USAGE') as "mayAlter", d.datconnlimit as "connectionLimit", d.datacl::text as acl,
    (select substr(each, length('default_transaction_read_only=') + 1)
       from pg_db_role_setting s, unnest(s.setconfig) each
      where s.setdatabase = d.oid and s.setrole = 0 and each like 'default\\_transaction\\_read\\_only=%') as "readOnly",
    (select coalesce(json_agg(json_build_object('grantor', a.grantor::int8, 'grantee', a.grantee::int8, 'isGrantable', a.is_grantable)), '[]')
       from aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a where a.privilege_type = 'CONNECT') as connects
  from pg_database d`;

/** Every database that takes connections; templates aside: being connected to one would make CREATE DATABASE fail. */
export async function readDatabases(session: Session): Promise<readonly DatabaseState[]> {
  const rows = await session.rows<DatabaseState>(
    // -2: its DROP was interrupted; nothing connects to what is left.
    `${sql} where d.datallowconn and not d.datistemplate and d.datconnlimit <> -2 order by d.datname`,
  );
  return rows.filter(({ name, mayAlter }) => mayAlter || !databasesOfProviders.includes(name));
}

/** Undefined: there is none with this oid. */
export async function readDatabase(
  session: Session,
  oid: number,
): Promise<DatabaseState | undefined> {
  const [row] = await session.rows<DatabaseState>(`${sql} where d.oid = $1::int8::oid`, [oid]);
  return row;
}

/** As the server reads it. */
export function isOn(value: string | null): boolean {
  return value !== null && /^(on|true|tru|tr|t|yes|ye|y|1)$/i.test(value);
}

export function sameGrant(one: ConnectGrant, other: ConnectGrant): boolean {
  return one.grantor === other.grantor && one.grantee === other.grantee;
}
