import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, temporaryFolder } from './postgres.ts';

export interface TestGcsServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly bucket: string;
  /** The objects of the bucket, as files. */
  readonly folder: string;
  /** What clients (ours, stock restic's) need in their environment. */
  readonly environment: NodeJS.ProcessEnv;
}

/** A fake-gcs-server on loopback with one empty bucket; all of it is removed on disposal. */
export async function startGcsServer(program: string): Promise<TestGcsServer> {
  const root = temporaryFolder('gcs');
  const port = await freePort();
  const host = `127.0.0.1:${port}`;
  const url = `http://${host}`;
  const listen = ['-scheme', 'http', '-host', '127.0.0.1', '-port', String(port)];
  // Stock restic reads by the older XML interface, which answers on the public host only.
  const addresses = ['-public-host', host, '-external-url', url];
  const storage = ['-backend', 'filesystem', '-filesystem-root', join(root, 'served')];
  const child = spawn(program, [...listen, ...addresses, ...storage, '-log-level', 'error'], {
    stdio: 'ignore',
  });
  const bucket = 'lifeboat-test';
  for (let attempt = 0; ; attempt++) {
    try {
      const body = JSON.stringify({ name: bucket });
      await fetch(`${url}/storage/v1/b?project=x`, { method: 'POST', body });
      break;
    } catch (error) {
      if (attempt > 400) throw new Error('fake-gcs-server does not answer', { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
  return {
    url,
    bucket,
    folder: join(root, 'served', bucket),
    environment: { STORAGE_EMULATOR_HOST: url, GOOGLE_ACCESS_TOKEN: 'x', GOOGLE_PROJECT_ID: 'x' },
    async [Symbol.asyncDispose]() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      rmSync(root, { recursive: true, force: true });
    },
  };
}
