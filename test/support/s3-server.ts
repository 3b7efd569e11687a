import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { freePort, temporaryFolder } from './postgres.ts';
import { findProgram } from './programs.ts';

export const s3User = 'lifeboat-test';
export const s3Secret = 'only-on-loopback';

/** A stock S3 server on loopback with a folder of its own, removed on disposal. */
export interface TestS3Server extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly client: S3Client;
  createBucket(name: string, options?: { readonly objectLock?: boolean }): Promise<void>;
}

export interface S3Program {
  readonly name: string;
  readonly path: string | undefined;
  start(path: string): Promise<TestS3Server>;
}

/** Runs a server program until it answers. */
export async function runS3Server(
  path: string,
  options: {
    readonly environment: NodeJS.ProcessEnv;
    arguments(address: string, folder: string, history: string): readonly string[];
  },
): Promise<TestS3Server> {
  const outer = temporaryFolder('s3');
  const folder = join(outer, 'served');
  const history = join(outer, 'history');
  for (const each of [folder, history]) mkdirSync(each);
  const address = `127.0.0.1:${await freePort()}`;
  const url = `http://${address}`;
  const child = spawn(path, options.arguments(address, folder, history), {
    stdio: 'ignore',
    env: { PATH: process.env.PATH, HOME: outer, ...options.environment },
  });
  const credentials = { accessKeyId: s3User, secretAccessKey: s3Secret };
  const client = new S3Client({
    endpoint: url,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials,
  });
  await answers(url, child);
  return {
    url,
    client,
    environment: { AWS_ACCESS_KEY_ID: s3User, AWS_SECRET_ACCESS_KEY: s3Secret },
    async createBucket(name, { objectLock = false } = {}) {
      const command = { Bucket: name, ObjectLockEnabledForBucket: objectLock };
      await client.send(new CreateBucketCommand(command));
    },
    async [Symbol.asyncDispose]() {
      client.destroy();
      if (child.exitCode === null && child.signalCode === null) {
        const ended = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGKILL');
        await ended;
      }
      rmSync(outer, { recursive: true, force: true });
    },
  };
}

async function answers(url: string, child: ChildProcess): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      // Any status is an answer, but a server that is still starting says 503.
      if ((await fetch(url)).status < 500) return;
    } catch (error) {
      if (attempt > 400) throw new Error('the S3 server does not answer', { cause: error });
    }
    if (child.exitCode !== null) throw new Error(`the S3 server ended with ${child.exitCode}`);
    if (attempt > 800) throw new Error('the S3 server does not get ready');
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export const minio: S3Program = {
  name: 'minio',
  path: findProgram('minio'),
  start: (path) =>
    runS3Server(path, {
      environment: { MINIO_ROOT_USER: s3User, MINIO_ROOT_PASSWORD: s3Secret },
      arguments: (address, folder) => ['server', '--quiet', '--address', address, folder],
    }),
};

export const versitygw: S3Program = {
  name: 'versitygw',
  path: findProgram('versitygw'),
  start: (path) =>
    runS3Server(path, {
      environment: { ROOT_ACCESS_KEY: s3User, ROOT_SECRET_KEY: s3Secret },
      arguments: (address, folder, history) => {
        return ['--port', address, '--quiet', 'posix', '--versioning-dir', history, folder];
      },
    }),
};

export const s3Programs: readonly S3Program[] = [minio, versitygw];
