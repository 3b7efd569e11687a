import { readFile } from 'node:fs/promises';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { fileError, LifeboatError } from '../../../core/index.ts';
import { type ConnectionSettings, describeConnection } from '../connection-settings.ts';
import { sslRequest } from './frontend-messages.ts';
import type { Wire } from './wire.ts';

/** One buffer per connection, reused for every read: half the CPU of 'data' events (docs of node:net, `onread`). */
const readBufferBytes = 512 * 1024;
const connectTimeoutMs = 15_000;

/**
 * Connects the wire, over TLS where the settings want it. `prefer` falls back to plain text when the server has no TLS, as
 * in libpq; it protects against nobody who can change packets.
 */
export async function openSocket(settings: ConnectionSettings, wire: Wire): Promise<Socket> {
  const wantsTls = settings.sslmode !== 'disable' && !settings.host.startsWith('/');
  const encrypted = wantsTls ? await openTls(settings) : undefined;
  if (!encrypted) return openPlain(settings, wire);
  encrypted.on('data', (chunk: Buffer) => {
    if (!wire.receive(chunk)) encrypted.pause();
  });
  encrypted.pause();
  wire.attach(encrypted);
  return encrypted;
}

async function openPlain(settings: ConnectionSettings, wire: Wire): Promise<Socket> {
  const buffer = Buffer.allocUnsafeSlow(readBufferBytes);
  const socket = connect({
    ...place(settings),
    onread: { buffer, callback: (read) => wire.receive(buffer.subarray(0, read)) },
  });
  await connected(socket, 'connect', settings);
  wire.attach(socket);
  return socket;
}

/** Undefined when the server has no TLS and the settings allow to go without. */
async function openTls(settings: ConnectionSettings): Promise<TLSSocket | undefined> {
  const plain = connect(place(settings));
  await connected(plain, 'connect', settings);
  plain.write(sslRequest());
  const answer = await firstBytes(plain, settings);
  // More than one byte would be plain text smuggled in before the encryption (CVE-2021-23222).
  if (answer !== 'S' && answer !== 'N') {
    plain.destroy();
    throw new LifeboatError(
      'postgres.protocol',
      'the server gave a wrong answer to the wish for TLS',
      {
        hint: 'See whether a PostgreSQL server, and not something else, listens on that port.',
      },
    );
  }
  if (answer === 'N') {
    plain.destroy();
    if (settings.sslmode === 'prefer') return undefined;
    throw new LifeboatError('postgres.refused', 'the server does not offer TLS', {
      hint: 'Set ssl = on with a certificate in postgresql.conf, or sslmode=prefer in the URL.',
    });
  }
  return encrypt(plain, settings);
}

async function encrypt(plain: Socket, settings: ConnectionSettings): Promise<TLSSocket> {
  const { sslmode, sslRootCert } = settings;
  // As in libpq: `require` with a root certificate verifies it too.
  const verify =
    sslmode === 'verify-ca' ||
    sslmode === 'verify-full' ||
    (sslmode === 'require' && sslRootCert !== undefined);
  const ca = sslRootCert && verify ? await readRootCert(sslRootCert) : undefined;
  const socket = connectTls({
    socket: plain,
    host: settings.host,
    ...(isIP(settings.host) ? {} : { servername: settings.host }),
    ...(ca ? { ca } : {}),
    rejectUnauthorized: verify,
    ...(sslmode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['postgresql'],
  });
  await connected(socket, 'secureConnect', settings);
  return socket;
}

async function readRootCert(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw fileError(error, `could not read the root certificate ${path}`);
  }
}

function place(settings: ConnectionSettings): { path: string } | { host: string; port: number } {
  const { host, port } = settings;
  return host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port };
}

function connected(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  settings: ConnectionSettings,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (error?: unknown) => {
      clearTimeout(timer);
      socket.off('error', finish).off('close', onClose).off(event, onOpen);
      if (error === undefined) {
        socket.setNoDelay(true).setKeepAlive(true, 30_000);
        return resolve();
      }
      // A late error of a socket that was given up must not end the process.
      socket.on('error', () => {}).destroy();
      reject(event === 'connect' ? unreachable(error, settings) : untrusted(error, settings));
    };
    const onClose = () => finish({ code: 'ECONNRESET' });
    const onOpen = () => finish();
    const timer = setTimeout(finish, connectTimeoutMs, { code: 'ETIMEDOUT' });
    socket.once('error', finish).once('close', onClose).once(event, onOpen);
  });
}

function firstBytes(socket: Socket, settings: ConnectionSettings): Promise<string> {
  return new Promise((resolve, reject) => {
    const finish = (error: unknown, bytes?: Buffer) => {
      clearTimeout(timer);
      socket.pause().removeAllListeners('data').off('error', onError).off('close', onClose);
      if (bytes) return resolve(bytes.toString('latin1'));
      socket.on('error', () => {}).destroy();
      reject(unreachable(error, settings));
    };
    const onError = (error: unknown) => finish(error);
    const onClose = () => finish({ code: 'ECONNRESET' });
    const timer = setTimeout(finish, connectTimeoutMs, { code: 'ETIMEDOUT' });
    socket.once('error', onError).once('close', onClose);
    socket.once('data', (bytes: Buffer) => finish(undefined, bytes));
  });
}

function unreachable(error: unknown, settings: ConnectionSettings): LifeboatError {
  const cause = error instanceof AggregateError ? error.errors[0] : error;
  const fact = (cause as NodeJS.ErrnoException)?.code ?? String(cause);
  return new LifeboatError(
    'postgres.unreachable',
    `could not connect to ${describeConnection(settings)}: ${fact}`,
    {
      hint: 'See that the server runs and that host and port are right.',
      cause,
      retryable: true,
    },
  );
}

function untrusted(error: unknown, settings: ConnectionSettings): LifeboatError {
  const fact = (error as NodeJS.ErrnoException)?.code ?? String(error);
  // A connection that breaks during the handshake says nothing about trust.
  if (/^E[A-Z]+$/.test(fact) && !fact.startsWith('ERR_')) return unreachable(error, settings);
  return new LifeboatError(
    'postgres.untrusted',
    `could not set up TLS with ${describeConnection(settings)}: ${fact}`,
    {
      hint: 'Name the file of the certificate authority with sslrootcert=, or use a lower sslmode if the network is trusted.',
      cause: error,
    },
  );
}
