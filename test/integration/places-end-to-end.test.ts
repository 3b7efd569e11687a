import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, type TestContext } from 'vitest';
import { Secret } from '../../src/core/index.ts';
import { initRepository, openLocation, openRepository } from '../../src/repository/index.ts';
import { backupFiles } from '../../src/sources/files/backup/index.ts';
import { startGcsServer } from '../support/fake-gcs-server.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { findProgram } from '../support/programs.ts';
import { startRestServer } from '../support/rest-server.ts';
import { s3Programs } from '../support/s3-server.ts';
import { need } from '../support/skip.ts';

// Everything a user does, on every place that is reached over a network, with cache, limits and retries as users have them.

interface Place extends AsyncDisposable {
  readonly address: string;
  readonly environment: NodeJS.ProcessEnv;
}

const places: Record<string, (context: TestContext) => Promise<Place>> = {
  async rest(context) {
    const server = await startRestServer(
      need(context, findProgram('rest-server'), 'no rest-server on PATH'),
      { appendOnly: true },
    );
    const address = `rest:${server.url}/x/`;
    return { address, environment: {}, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  },
  async gs(context) {
    const program = need(context, findProgram('fake-gcs-server'), 'no fake-gcs-server on PATH');
    const server = await startGcsServer(program);
    const { environment } = server;
    const address = `gs:${server.bucket}:/x`;
    return { address, environment, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  },
  async rclone(context) {
    need(context, findProgram('rclone'), 'no rclone on PATH');
    const served = temporaryFolder('rclone');
    const config = join(served, 'rclone.conf');
    writeFileSync(config, `[here]\ntype = alias\nremote = ${served}\n`);
    return {
      address: 'rclone:here:x',
      environment: { RCLONE_CONFIG: config },
      async [Symbol.asyncDispose]() {
        rmSync(served, { recursive: true, force: true });
      },
    };
  },
  async s3(context) {
    const minio = s3Programs.find(({ name }) => name === 'minio');
    const server = await minio?.start(need(context, minio.path, 'no minio on PATH'));
    await server?.createBucket('end-to-end');
    return {
      address: `s3:${server?.url}/end-to-end/y`,
      environment: server?.environment ?? {},
      [Symbol.asyncDispose]: async () => server?.[Symbol.asyncDispose](),
    };
  },
};

const password = new Secret('x');
let folder: string;
let tree: string;

beforeEach(() => {
  folder = temporaryFolder('end-to-end');
  tree = join(folder, 'tree');
  for (const part of ['a', 'b/deep', 'c']) {
    mkdirSync(join(tree, part), { recursive: true });
    for (let i = 0; i < 5; i++) writeFileSync(join(tree, part, `${i}`), randomBytes(200_000));
  }
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it.for(Object.keys(places))(
  '%s: two backups, check, and stock restic reads all of it',
  async (name, context) => {
    await using place = await (places[name] as (typeof places)[string])(context);
    const environment = { ...process.env, ...place.environment };
    const open = () =>
      openLocation(place.address, {
        environment,
        cacheFolder: join(folder, 'cache'),
        uploadBytesPerSecond: 2 ** 30,
      });
    {
      await using repository = await initRepository({ location: open(), password });
      const first = await backupFiles({ repository, source: 'tree', paths: [tree] });
      expect(first.counts.filesNew).toBe(15);
    }
    appendFileSync(join(tree, 'c/1'), 'more');
    await using repository = await openRepository({ location: open(), password });
    const second = await backupFiles({ repository, source: 'tree', paths: [tree] });
    expect(second.counts).toMatchObject({ filesNew: 0, filesChanged: 1, filesUnmodified: 14 });
    expect((await repository.check({ readData: true })).findings).toEqual([]);

    const restic = need(context, findProgram('restic-0.19'), 'no restic-0.19 on PATH');
    const stock = (...words: string[]) =>
      execFileSync(restic, ['--no-cache', '-r', place.address, ...words], {
        env: { ...environment, RESTIC_PASSWORD: password.reveal() },
        maxBuffer: 2 ** 24,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
    expect(stock('check', '--read-data').toString()).toContain('no errors were found');
    expect(stock('dump', 'latest', join(tree, 'c/1'))).toEqual(readFileSync(join(tree, 'c/1')));
  },
);
