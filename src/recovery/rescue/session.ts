import type pg from 'pg';
import { cancelled, LifeboatError, throwIfAborted } from '../../core/index.ts';
import { type ConnectionSettings, describeConnection, openSqlClient } from '../../sources/index.ts';

/** One ordinary SQL connection. When the signal aborts, the running statement is cancelled on the server too. */
export interface Session extends AsyncDisposable {
  /** Of the one server that it leads to. */
  readonly settings: ConnectionSettings;
  readonly client: pg.Client;
  /** For people: never with a password. */
  readonly place: string;
  readonly signal: AbortSignal | undefined;
  rows<Row extends object>(sql: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  /** Runs a statement and gives the number of rows it touched. */
  run(sql: string, values?: readonly unknown[]): Promise<number>;
}

// Values travel as text, so both servers must write and read them the same way. The empty search_path makes every
// name that the server prints (expressions, types, regclass) fully qualified. No JIT: with sequential scans off every plan looks
// expensive enough to be compiled, and the programs of a scratch server may come without LLVM.
const settingsForText = `
  set client_encoding = 'UTF8'; set datestyle = 'ISO, YMD'; set intervalstyle = 'postgres';
  set timezone = 'UTC'; set extra_float_digits = 3; set bytea_output = 'hex';
  set standard_conforming_strings = on; set xmloption = content; set search_path = pg_catalog;
  set row_security = off; set statement_timeout = 0; set idle_in_transaction_session_timeout = 0;
  set synchronize_seqscans = off; set jit = off`;

const cancelWithinMs = 5_000;

/**
 * Connects. Errors: `postgres.unreachable`, `postgres.refused`; later `postgres.query` with `sqlstate` in its
 * context, `postgres.connection-lost`, `cancelled`.
 */
export async function openSession(
  wanted: ConnectionSettings,
  signal?: AbortSignal,
  applicationName = 'lifeboat rescue',
): Promise<Session> {
  throwIfAborted(signal);
  const opened = await openSqlClient(wanted, applicationName);
  const { client, settings } = opened;
  const place = describeConnection(settings);
  const pid = (client as unknown as { processID: number }).processID;
  let timer: NodeJS.Timeout | undefined;
  const onAbort = () => {
    cancelStatement(settings, pid).catch(() => {});
    // A server that cannot be reached for the cancellation, or hangs: closing the socket ends the transaction.
    timer = setTimeout(() => client.end().catch(() => {}), cancelWithinMs);
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  const query = async (sql: string, values?: readonly unknown[]) => {
    throwIfAborted(signal);
    try {
      return await client.query(sql, values as unknown[]);
    } catch (error) {
      if (signal?.aborted) throw cancelled(signal);
      throw queryError(error, place);
    }
  };
  const session: Session = {
    settings,
    client,
    place,
    signal,
    rows: async <Row extends object>(sql: string, values?: readonly unknown[]) =>
      (await query(sql, values)).rows as Row[],
    run: async (sql, values) => (await query(sql, values)).rowCount ?? 0,
    async [Symbol.asyncDispose]() {
      signal?.removeEventListener('abort', onAbort);
      clearTimeout(timer);
      await opened[Symbol.asyncDispose]();
    },
  };
  try {
    await session.run(settingsForText);
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
  return session;
}

async function cancelStatement(settings: ConnectionSettings, pid: number): Promise<void> {
  await using other = await openSqlClient(settings, 'lifeboat rescue');
  await other.client.query('select pg_cancel_backend($1)', [pid]);
}

/** Turns an error of the driver into ours. Ours pass unchanged. */
export function queryError(error: unknown, place: string): LifeboatError {
  if (error instanceof LifeboatError) return error;
  const { code, detail, message } = error as { code?: string; detail?: string; message: string };
  if (!code || !/^[0-9A-Z]{5}$/.test(code)) {
    return new LifeboatError('postgres.connection-lost', `the connection to ${place} broke`, {
      hint: 'An open transaction was rolled back by the server. Run the command again.',
      cause: error,
      retryable: true,
    });
  }
  const hint = hints[code];
  return new LifeboatError(
    'postgres.query',
    `${place}: ${message}${detail ? ` (${detail})` : ''}`,
    {
      context: { sqlstate: code },
      cause: error,
      ...(hint ? { hint } : {}),
      retryable: code === '55P03' || code.startsWith('40'),
    },
  );
}

const hints: Readonly<Record<string, string>> = {
  '55P03':
    'Another session holds a lock. Nothing was changed; end it or run the command again later.',
  '40P01': 'Nothing was changed. Run the command again.',
  '42501': 'Connect as the owner of the tables or as a superuser.',
  '57014': 'A statement was cancelled on the server. Nothing was changed.',
};
