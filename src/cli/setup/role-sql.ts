import type { ConnectionSettings } from '../../sources/index.ts';

export interface RoleStatement {
  readonly sql: string;
  /** First and last major version that it is for. */
  readonly from?: number;
  readonly to?: number;
  readonly why?: string;
}

/**
 * What a superuser runs once, in the database of the URL, so that the role can protect the cluster and do nothing else to it. `isInContainer`:
 * this host sees neither its folders under their paths nor its network from within.
 */
export function roleStatements(
  settings: ConnectionSettings,
  isInContainer = false,
): readonly RoleStatement[] {
  const role = quoteIdentifier(settings.user);
  return [
    { sql: `CREATE ROLE ${role} LOGIN REPLICATION;` },
    { sql: `GRANT pg_monitor TO ${role};`, why: 'sees settings, slots and their state' },
    { sql: `GRANT pg_read_all_data TO ${role};`, from: 14, why: 'counts rows' },
    {
      sql: `GRANT USAGE ON SCHEMA public TO ${role}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role};`,
      to: 13,
      why: 'counts rows; in each database, for each schema, and again for new tables',
    },
    ...(isHere(settings.host) && !isInContainer ? fileStatements(settings) : []),
  ];
}

/** For backups that read the files of the data directory themselves. */
function fileStatements({ user, database }: ConnectionSettings): readonly RoleStatement[] {
  const role = quoteIdentifier(user);
  const why = `reads the files itself; in the database ${database}`;
  return [
    {
      sql: `GRANT EXECUTE ON FUNCTION pg_backup_start(text, boolean), pg_backup_stop(boolean) TO ${role};`,
      from: 15,
      why,
    },
    {
      sql: `GRANT EXECUTE ON FUNCTION pg_start_backup(text, boolean, boolean), pg_stop_backup(boolean, boolean) TO ${role};`,
      to: 14,
      why,
    },
  ];
}

function isHere(host: string): boolean {
  return host.startsWith('/') || /^(localhost|127\.|::1$)/.test(host);
}

/** The same as lines for psql, with a comment above what is not for every version. */
export function roleSql(settings: ConnectionSettings, isInContainer = false): readonly string[] {
  const lines = roleStatements(settings, isInContainer).flatMap(({ sql, from, to, why }) => {
    const versions = from ? [`${from} and newer`] : to ? [to === 13 ? '13' : `13 and ${to}`] : [];
    const notes = [...versions.map((each) => `PostgreSQL ${each}`), ...(why ? [why] : [])];
    return notes.length > 0 ? [`-- ${notes.join(': ')}`, sql] : [sql];
  });
  return [...lines, `\\password ${settings.user}`];
}

/** The lines of pg_hba.conf that let the role in, for replication and for every database. */
export function hbaLines(settings: ConnectionSettings, isInContainer = false): readonly string[] {
  const role = quoteIdentifier(settings.user);
  const isSocket = settings.host.startsWith('/');
  const encrypts = settings.sslmode === 'require' || settings.sslmode.startsWith('verify');
  // What comes through a published port comes from the gateway of the container's network.
  const from = isInContainer ? ' samenet' : ' samehost';
  const [kind, address] = isSocket ? ['local', ''] : [encrypts ? 'hostssl' : 'host', from];
  return ['replication', 'all'].map(
    (database) => `${kind} ${database} ${role}${address} scram-sha-256`,
  );
}

function quoteIdentifier(text: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(text) ? text : `"${text.replaceAll('"', '""')}"`;
}
