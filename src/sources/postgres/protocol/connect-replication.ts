import { cancelled, LifeboatError, throwIfAborted } from '../../../core/index.ts';
import { openByMode } from '../connect/encryption.ts';
import { openInTurn, type SessionFacts } from '../connect/open-in-turn.ts';
import { tlsFailure } from '../connect/tls-failure.ts';
import type { TlsOptions } from '../connect/tls-options.ts';
import { type ConnectionSettings, describeConnection } from '../connection-settings.ts';
import { Authentication } from './authentication.ts';
import { Backend, isAside, unexpected } from './backend-messages.ts';
import { startupMessage } from './frontend-messages.ts';
import type { ReplicationConnection } from './replication-connection.ts';
import { ReplicationSession } from './replication-session.ts';
import { startupError } from './server-error.ts';
import { openSocket } from './socket.ts';
import { Wire } from './wire.ts';

const startupTimeoutMs = 30_000;

export interface ConnectOptions {
  /** Aborting it closes the connection at any time, also after this function returned. */
  readonly signal?: AbortSignal;
  /** Shown in pg_stat_replication; what synchronous_standby_names may name. */
  readonly applicationName?: string;
}

/** Opens a connection in physical replication mode to the first server that fits. The caller disposes it. */
export async function connectReplication(
  settings: ConnectionSettings,
  options: ConnectOptions = {},
): Promise<ReplicationConnection> {
  const open = (host: ConnectionSettings) =>
    openByMode(host, (tls) => connectOnce(host, tls, options));
  return await openInTurn(settings, open, askSession);
}

/**
 * A replication connection knows no SELECT; but SHOW runs in a transaction, and one that begins on a standby is read-only, whatever
 * `default_transaction_read_only` says at the primary (the login sets it to off).
 */
async function askSession(connection: ReplicationConnection): Promise<SessionFacts> {
  const isStandby = (await connection.show('transaction_read_only')) === 'on';
  return { isStandby, isReadOnly: isStandby };
}

async function connectOnce(
  settings: ConnectionSettings,
  tls: TlsOptions | undefined,
  options: ConnectOptions,
): Promise<ReplicationConnection> {
  const { signal } = options;
  throwIfAborted(signal);
  const wire = new Wire();
  const onAbort = () => wire.fail(cancelled(signal as AbortSignal));
  signal?.addEventListener('abort', onAbort, { once: true });
  const release = () => signal?.removeEventListener('abort', onAbort);
  const timer = setTimeout(() => wire.fail(silent(settings)), startupTimeoutMs);
  try {
    const socket = await openSocket(settings, tls, wire);
    await logIn(wire, settings, options.applicationName ?? 'lifeboat', socket.localAddress);
    return await ReplicationSession.begin(wire, settings, release);
  } catch (error) {
    release();
    wire.fail(error);
    // With TLS 1.3 a server refuses our certificate only after the handshake, with the first bytes we read.
    throw tlsFailure((error as Error).cause ?? {}, settings) ?? error;
  } finally {
    clearTimeout(timer);
  }
}

async function logIn(
  wire: Wire,
  settings: ConnectionSettings,
  applicationName: string,
  ownAddress: string | undefined,
): Promise<void> {
  const authentication = new Authentication(settings, (message) => wire.send(message));
  wire.send(
    startupMessage({
      user: settings.user,
      replication: 'true',
      application_name: applicationName,
      client_encoding: 'UTF8',
      default_transaction_read_only: 'off',
    }),
  );
  let authenticated = false;
  await wire.exchange((type, body) => {
    if (isAside(type) || type === Backend.backendKeyData || type === Backend.negotiateVersion) {
      return undefined;
    }
    if (type === Backend.authentication) {
      authenticated = true;
      return authentication.answer(body).then(() => undefined);
    }
    if (type === Backend.error) throw startupError(body, settings, ownAddress);
    if (type === Backend.readyForQuery && authenticated) return true;
    throw unexpected(type, 'the login');
  });
}

function silent(settings: ConnectionSettings): LifeboatError {
  return new LifeboatError(
    'postgres.unreachable',
    `${describeConnection(settings)} did not complete the login within ${startupTimeoutMs / 1000} s`,
    { retryable: true },
  );
}
