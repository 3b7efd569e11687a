import { isLifeboatError } from '../../../core/index.ts';
import type { ConnectionSettings } from '../../../sources/index.ts';
import type { Session } from '../../rescue/session.ts';
import { readPlaceFacts } from '../../validate/place-facts.ts';
import { openLive } from './live-session.ts';
import type { PartWork } from './part-runner.ts';
import type { ServerState } from './postgres-damage.ts';

export interface SeenServer {
  readonly state: ServerState;
  /** Which leads into a database that is there. */
  readonly connection: ConnectionSettings;
}

/** Always there, unless somebody has removed them on purpose. */
const otherDatabases = ['postgres', 'template1'];
/** There is no such database. */
const noDatabase = '3D000';

/**
 * What the server says of itself. When the database of the connection is gone, by way of another one. Errors: `postgres.*`.
 */
export async function lookAtServer(
  wanted: ConnectionSettings,
  storedSystemId: string | undefined,
  part: PartWork,
): Promise<SeenServer> {
  const { session, connection } = await openAny(wanted, part);
  await using _ = session;
  const { databases, closedDatabases, allowed } = await databasesOf(session);
  const [row] = await session.rows<{
    version: string;
    standby: boolean;
    readonly: boolean;
    started: string;
    lsn: string | null;
  }>(
    `select current_setting('server_version') as version, pg_is_in_recovery() as standby,
       (select reset_val = 'on' from pg_settings where name = 'default_transaction_read_only') as readonly,
       to_char(pg_postmaster_start_time() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as started,
       case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end::text as lsn`,
  );
  const systemId = await systemIdOf(session, part);
  const isHere = (name: string) => allowed.has(name);
  return {
    connection,
    state: {
      version: row?.version ?? '',
      ...(systemId === undefined ? {} : { systemId }),
      isOtherCluster:
        systemId !== undefined && storedSystemId !== undefined && systemId !== storedSystemId,
      isInRecovery: row?.standby ?? false,
      isReadOnly: row?.readonly ?? false,
      ...(row?.started ? { startedAt: row.started } : {}),
      ...(row?.lsn ? { lsn: row.lsn } : {}),
      databases: databases.filter(isHere),
      closed: [
        ...closedDatabases.map((name) => ({ name, why: 'it takes no connections' })),
        ...databases
          .filter((name) => !isHere(name))
          .map((name) => ({ name, why: 'the role may not connect to it' })),
      ],
    },
  };
}

async function openAny(
  wanted: ConnectionSettings,
  part: PartWork,
): Promise<{ readonly session: Session; readonly connection: ConnectionSettings }> {
  try {
    return { session: await openLive(wanted, part), connection: wanted };
  } catch (error) {
    if (!isLifeboatError(error) || error.context.sqlstate !== noDatabase) throw error;
    for (const database of otherDatabases) {
      const connection = { ...wanted, database };
      try {
        const session = await openLive(connection, part);
        part.gaps.push(`there is no database ${wanted.database}: ${database} was asked instead`);
        return { session, connection };
      } catch {
        // The first refusal says most.
      }
    }
    throw error;
  }
}

async function databasesOf(session: Session) {
  const { databases, closedDatabases } = await readPlaceFacts(session);
  const rows = await session.rows<{ name: string }>(
    `select datname::text as name from pg_database where has_database_privilege(oid, 'CONNECT')`,
  );
  return {
    databases: databases.filter(({ isTemplate }) => !isTemplate).map(({ name }) => name),
    closedDatabases,
    allowed: new Set(rows.map(({ name }) => name)),
  };
}

async function systemIdOf(session: Session, { gaps }: PartWork): Promise<string | undefined> {
  try {
    const [row] = await session.rows<{ id: string }>(
      'select system_identifier::text as id from pg_control_system()',
    );
    return row?.id;
  } catch (error) {
    if (!isLifeboatError(error, 'postgres.query')) throw error;
    gaps.push(`whether it is the cluster that was backed up: ${error.message}`);
    return undefined;
  }
}
