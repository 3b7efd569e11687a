import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Secret } from '../../src/core/index.ts';
import { initRepository, LocalLocation, openRepository } from '../../src/repository/index.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { findProgram } from '../support/programs.ts';
import { need } from '../support/skip.ts';
import { storeFiles } from '../support/stored-files.ts';

it.for(['restic', 'restic-0.19'])(
  'a copy that %s made is found to lack the log',
  async (name, context) => {
    const restic = need(context, findProgram(name), `no ${name} on PATH`);
    const root = temporaryFolder('leftovers');
    try {
      const password = new Secret('pw');
      const location = new LocalLocation(join(root, 'first'));
      await using repository = await initRepository({ location, password });
      const tags = ['lifeboat', 'kind:postgres', 'source:database'];
      await storeFiles(repository, { one: randomBytes(1000) }, tags);
      await repository.log('database').appendSegment('00000001', 0n, new Uint8Array(100));
      expect((await repository.check()).findings).toEqual([]);
      const place = new LocalLocation(join(root, 'second'));
      await (await initRepository({ location: place, password }))[Symbol.asyncDispose]();
      const env = {
        ...process.env,
        RESTIC_PASSWORD: 'pw',
        RESTIC_FROM_PASSWORD: 'pw',
        RESTIC_CACHE_DIR: join(root, 'cache'),
        RESTIC_FROM_REPOSITORY: location.path,
      };
      const done = spawnSync(restic, ['-r', place.path, 'copy'], { env, encoding: 'utf8' });
      expect(done.status, done.stdout + done.stderr).toBe(0);
      await using copied = await openRepository({ location: place, password });
      expect((await copied.check()).findings).toMatchObject([
        { kind: 'log', name: 'database', severity: 'hint', affects: [expect.any(String)] },
      ]);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  },
);
