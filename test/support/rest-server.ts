import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePort, temporaryFolder } from './postgres.ts';

export interface TestRestServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, or `https:` */
  readonly url: string;
  /** What it serves: a repository is a folder in here. */
  readonly folder: string;
  stop(): Promise<void>;
  start(): Promise<void>;
}

export interface RestServerOptions {
  readonly appendOnly?: boolean;
  /** Path of an htpasswd file; without one it lets everybody in. */
  readonly passwords?: string;
  /** Paths of PEM files. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** Path of a Unix socket to listen on instead of a port. */
  readonly socket?: string;
}

/** A stock rest-server on loopback with a folder of its own, removed on disposal. */
export async function startRestServer(
  program: string,
  options: RestServerOptions = {},
): Promise<TestRestServer> {
  const outer = temporaryFolder('rest');
  const folder = join(outer, 'served');
  mkdirSync(folder);
  const { appendOnly, passwords, tls, socket } = options;
  const port = await freePort();
  const words = [
    ...['--path', folder, '--listen', socket ? `unix:${socket}` : `127.0.0.1:${port}`],
    ...(passwords ? ['--htpasswd-file', passwords] : ['--no-auth']),
    ...(tls ? ['--tls', '--tls-cert', tls.certificate, '--tls-key', tls.key] : []),
    ...(appendOnly ? ['--append-only'] : []),
  ];
  let child: ChildProcess | undefined;
  const start = async () => {
    child = spawn(program, words, { stdio: 'ignore' });
    for (let attempt = 0; ; attempt++) {
      if (socket ? existsSync(socket) : await listens(port)) return;
      if (attempt > 400) throw new Error('rest-server does not answer');
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  };
  const stop = async () => {
    const running = child;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const ended = new Promise((resolve) => running.once('exit', resolve));
    running.kill('SIGTERM');
    await ended;
  };
  await start();
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    folder,
    start,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      rmSync(outer, { recursive: true, force: true });
    },
  };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
