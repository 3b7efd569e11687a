import { LifeboatError } from '../../../core/index.ts';
import type { SqlConnection } from '../sql-connection.ts';

export interface DumpFacts {
  readonly version: number;
  /** Passwords of roles are dumped only then. */
  readonly readsPasswords: boolean;
  /** Every table can be read, whatever comes. */
  readonly readsAll: boolean;
  readonly databases: readonly DumpedDatabase[];
}

export interface DumpedDatabase {
  readonly name: string;
  readonly bytes: number;
}

/** Databases of the providers themselves; nobody else may connect to them. */
const providers = ['rdsadmin', 'cloudsqladmin', 'azure_maintenance', 'azure_sys', 'alloydbadmin'];

/** Errors: `config.invalid` when a database that the configuration names is not there. */
export async function readDumpFacts(
  connection: SqlConnection,
  wanted: readonly string[] | undefined,
): Promise<DumpFacts> {
  const [server] = await connection.rows<Omit<DumpFacts, 'databases'>>(
    `SELECT current_setting('server_version_num')::int4 AS version,
       has_table_privilege('pg_catalog.pg_authid', 'SELECT') AS "readsPasswords",
       rolsuper OR EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = 'pg_read_all_data'
         AND pg_has_role(current_user, r.oid, 'USAGE')) AS "readsAll"
     FROM pg_catalog.pg_roles WHERE rolname = current_user`,
  );
  const found = await connection.rows<DumpedDatabase>(
    `SELECT datname::text AS name,
       CASE WHEN has_database_privilege(oid, 'CONNECT') THEN pg_database_size(oid)::float8 ELSE 0 END AS bytes
     FROM pg_catalog.pg_database
     WHERE datallowconn AND datconnlimit <> -2 AND CASE WHEN $1::text[] IS NULL
       THEN NOT datistemplate AND NOT datname = ANY ($2) ELSE datname = ANY ($1) END
     ORDER BY datname`,
    [wanted ?? null, providers],
  );
  const missing = wanted?.find((name) => !found.some((each) => each.name === name));
  if (missing !== undefined) {
    throw new LifeboatError(
      'config.invalid',
      `there is no database ${JSON.stringify(missing)} that takes connections`,
      { hint: 'Correct `databases` of the source in lifeboat.yaml.' },
    );
  }
  return { ...(server as Omit<DumpFacts, 'databases'>), databases: found };
}
