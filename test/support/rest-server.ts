import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, temporaryFolder } from './postgres.ts';

export interface TestRestServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** What it serves: a repository is a folder in here. */
  readonly folder: string;
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** A stock rest-server on loopback with a folder of its own, removed on disposal. */
export async function startRestServer(
  program: string,
  options: { readonly appendOnly?: boolean } = {},
): Promise<TestRestServer> {
  const outer = temporaryFolder('rest');
  const folder = join(outer, 'served');
  mkdirSync(folder);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  let child: ChildProcess | undefined;
  const start = async () => {
    const listen = ['--no-auth', '--listen', `127.0.0.1:${port}`, '--path', folder];
    child = spawn(program, [...listen, ...(options.appendOnly ? ['--append-only'] : [])], {
      stdio: 'ignore',
    });
    for (let attempt = 0; ; attempt++) {
      try {
        await fetch(url);
        return;
      } catch (error) {
        if (attempt > 400) throw new Error('rest-server does not answer', { cause: error });
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
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
    url,
    folder,
    start,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      rmSync(outer, { recursive: true, force: true });
    },
  };
}
