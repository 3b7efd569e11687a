import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { LifeboatError } from '../../../core/index.ts';
import { withoutTls } from '../connect/encryption.ts';
import { tlsFailure } from '../connect/tls-failure.ts';
import type { TlsOptions } from '../connect/tls-options.ts';
import { type ConnectionSettings, describeConnection } from '../connection-settings.ts';
import { sslRequest } from './frontend-messages.ts';
import type { Wire } from './wire.ts';

/** One buffer per connection, reused for every read: half the CPU of 'data' events (docs of node:net, `onread`). */
const readBufferBytes = 512 * 1024;
const connectTimeoutMs = 15_000;

/** Connects the wire, over TLS when there are options for it. */
export async function openSocket(
  settings: ConnectionSettings,
  tls: TlsOptions | undefined,
  wire: Wire,
): Promise<Socket> {
  if (!tls) return openPlain(settings, wire);
  const encrypted = await openTls(settings, tls);
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

async function openTls(settings: ConnectionSettings, tls: TlsOptions): Promise<TLSSocket> {
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
    throw withoutTls(settings);
  }
  const socket = connectTls({ ...tls, socket: plain, ALPNProtocols: ['postgresql'] });
  await connected(socket, 'secureConnect', settings);
  return socket;
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
      reject(tlsFailure(error, settings) ?? unreachable(error, settings));
    };
    const onClose = () => finish({ code: 'ECONNRESET' });
    const onOpen = () => finish();
    const timer = setTimeout(finish, settings.connectTimeoutMs ?? connectTimeoutMs, {
      code: 'ETIMEDOUT',
    });
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
    const timer = setTimeout(finish, settings.connectTimeoutMs ?? connectTimeoutMs, {
      code: 'ETIMEDOUT',
    });
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
