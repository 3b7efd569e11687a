import { LifeboatError } from '../../core/index.ts';
import { type ConnectionSettings, preferPrimary } from '../../sources/index.ts';
import type { PastServer } from './past-server.ts';
import { openSession, type Session } from './session.ts';
import { quoteText } from './sql-text.ts';

export interface RescueSessions extends AsyncDisposable {
  readonly past: Session;
  readonly live: Session;
  readonly database: string;
}

/**
 * Connects to the same database (by oid) of both servers. Errors: `postgres.other-cluster` when the live server is
 * not the cluster the past one is a copy of; `rescue.unsupported` when the database is gone or the server is a standby.
 */
export async function openRescueSessions(options: {
  readonly past: PastServer;
  readonly live: ConnectionSettings;
  readonly databaseOid: number;
  readonly signal?: AbortSignal;
}): Promise<RescueSessions> {
  const { databaseOid, signal } = options;
  const pastName = await databaseName(options.past.connection('postgres'), databaseOid, signal);
  if (pastName === undefined) {
    throw new LifeboatError('rescue.failed', `database ${databaseOid} is not on the past server`);
  }
  const wanted = preferPrimary(options.live);
  const liveName = await databaseName(wanted, databaseOid, signal);
  await using stack = new AsyncDisposableStack();
  const past = stack.use(await openSession(options.past.connection(pastName), signal));
  if (liveName === undefined) {
    const name = options.live.database;
    const elsewhere = stack.use(await openSession(wanted, signal));
    await requireSameCluster(past, elsewhere);
    throw new LifeboatError('rescue.unsupported', `database ${pastName} no longer exists`, {
      hint: 'Run lifeboat restore or lifeboat open at the moment before the accident.',
      context: { connectedTo: name },
    });
  }
  const live = stack.use(await openSession({ ...wanted, database: liveName }, signal));
  await requireSameCluster(past, live);
  const [standby] = await live.rows<{ yes: boolean }>('select pg_is_in_recovery() as yes');
  if (standby?.yes) {
    throw new LifeboatError('rescue.unsupported', `${live.place} is a standby`, {
      hint: 'Give the address of the primary server.',
    });
  }
  await endPrepared(past);
  // Rows are fetched by tuple id, some thousands at a time; the planner would rather read the whole table each time.
  await past.run('set default_transaction_read_only = on; set enable_seqscan = off');
  const kept = stack.move();
  return { past, live, database: liveName, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/**
 * A transaction that was prepared and not committed at that moment has its locks again after recovery, and nobody will end
 * it on a copy: reading the tables would wait forever. Rolled back, it leaves every row of the others at its place.
 */
export async function endPrepared(past: Session): Promise<void> {
  const prepared = await past.rows<{ gid: string }>(
    'select gid from pg_prepared_xacts where database = current_database()',
  );
  for (const { gid } of prepared) await past.run(`rollback prepared ${quoteText(gid)}`);
}

async function databaseName(
  settings: ConnectionSettings,
  oid: number,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  await using session = await openSession(settings, signal);
  const [row] = await session.rows<{ name: string }>(
    'select datname::text as name from pg_database where oid = $1::int8::oid',
    [oid],
  );
  return row?.name;
}

async function requireSameCluster(past: Session, live: Session): Promise<void> {
  const sql = 'select system_identifier::text as id from pg_control_system()';
  const [then] = await past.rows<{ id: string }>(sql);
  const [now] = await live.rows<{ id: string }>(sql);
  if (then && now && then.id === now.id) return;
  throw new LifeboatError(
    'postgres.other-cluster',
    `${live.place} is cluster ${now?.id}, the backup is of cluster ${then?.id}`,
    {
      hint: 'Check the address of the source. Rows are only put back into the cluster they come from.',
    },
  );
}
