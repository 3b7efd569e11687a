import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../src/core/index.ts';
import { initRepository, openLocation, openRepository } from '../../src/repository/index.ts';
import { findProgram } from '../support/programs.ts';
import { s3Programs, type TestS3Server } from '../support/s3-server.ts';
import { need } from '../support/skip.ts';
import { describeFolder, makeOddFolder } from './odd-folder.ts';
import { storeFolder } from './store-folder.ts';

const password = new Secret('geheim');
let root: string;
let folder: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'lifeboat-s3-'));
  folder = join(root, 'source');
  mkdirSync(folder);
  makeOddFolder(folder);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe.each(s3Programs)('$name', (program) => {
  let server: TestS3Server | undefined;
  beforeAll(async () => {
    if (program.path === undefined) return;
    server = await program.start(program.path);
    await server.createBucket('repositories', { objectLock: true });
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  // Both servers with the newer one; the older one with both in the long run.
  const all = program.name === 'minio' || process.env.LIFEBOAT_SOAK === '1';
  describe.each(all ? ['restic', 'restic-0.19'] : ['restic-0.19'])('with %s', (name) => {
    it('reads what we wrote and writes what we read', async (context) => {
      const { url, environment } = need(context, server, `no ${program.name} on PATH`);
      const restic = need(context, findProgram(name), `no ${name} on PATH`);
      const place = `s3:${url}/repositories/${name}`;
      const run = (...args: string[]): string => {
        const env = {
          ...process.env,
          ...environment,
          RESTIC_PASSWORD: password.reveal(),
          RESTIC_REPOSITORY: place,
          RESTIC_CACHE_DIR: join(root, 'cache'),
        };
        const done = spawnSync(restic, args, { env, encoding: 'utf8' });
        expect(done.status, `restic ${args.join(' ')}\n${done.stdout}${done.stderr}`).toBe(0);
        return done.stdout + done.stderr;
      };
      const location = openLocation(place, {
        environment,
        lock: { durationMs: 60_000, mode: 'compliance' },
      });
      {
        await using repository = await initRepository({ location, password });
        await storeFolder(repository, folder, ['ours']);
      }
      expect(run('check', '--read-data')).toContain('no errors were found');
      const target = join(root, `restored-${program.name}-${name}`);
      run('restore', 'latest', '--target', target);
      expect(describeFolder(join(target, folder))).toEqual(describeFolder(folder));
      run('backup', folder, '--tag', 'theirs');
      {
        await using repository = await openRepository({ location, password });
        await storeFolder(repository, folder, ['ours again']);
        const report = await repository.check({ readData: true });
        expect(report.findings).toEqual([]);
        expect(report.snapshots).toBe(3);
      }
      // What it removes is locked: delete markers, and a repository that is whole.
      run('forget', '--keep-last', '1', '--group-by', '', '--prune');
      expect(run('check', '--read-data')).toContain('no errors were found');
      await using repository = await openRepository({ location, password });
      expect((await repository.snapshots()).map(({ tags }) => tags)).toEqual([['ours again']]);
      expect((await repository.check({ readData: true })).findings).toEqual([]);
    });
  });
});
