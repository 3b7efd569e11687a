import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LifeboatError, Secret } from '../../src/core/index.ts';
import {
  LocalLocation,
  MemoryLocation,
  openRepository,
  type Repository,
} from '../../src/repository/index.ts';
import { backupPostgres, parseConnectionUrl } from '../../src/sources/index.ts';
import { FaultyLocation } from '../faults/faulty-location.ts';
import { installation } from '../support/installation.ts';
import { localRepository, testPassword } from '../support/local-repository.ts';
import { memoryRepository } from '../support/memory-repository.ts';
import { startPostgres } from '../support/postgres.ts';
import { embeddedPostgresBin, findProgram } from '../support/programs.ts';
import { resticRestore, startStock } from '../support/restored-server.ts';
import { need } from '../support/skip.ts';

const rows = 'create table t as select n, md5(n::text) as v from generate_series(1, 100000) n';

/** Its first pack finds no place, in the middle of the backup. */
async function brokenRepository(): Promise<Repository> {
  const { files, open } = await memoryRepository();
  const faults = [
    { operation: 'write', kind: 'data', nth: 1, effect: 'error', retryable: false },
  ] as const;
  return open(new FaultyLocation(new MemoryLocation({ files }), { faults }));
}

describe('one reading of a database', () => {
  it.for(['never', 'auto'] as const)(
    'feeds several repositories, whatever becomes of one (local: %s)',
    async (local, context) => {
      const bin = embeddedPostgresBin();
      await using server = await startPostgres({ bin, major: 18 });
      await server.query(rows);
      await using own = await localRepository();
      await using second = await localRepository();
      await using broken = await brokenRepository();
      const restic = need(
        context,
        findProgram('restic-0.19') ?? findProgram('restic'),
        'no restic on PATH',
      );
      const away = new LifeboatError('location.unreachable', 'nobody answers');
      const summary = await backupPostgres({
        settings: parseConnectionUrl(server.url()),
        source: 'shop',
        repository: own.repository,
        alsoTo: [
          { name: 'second', open: async () => second.repository },
          { name: 'broken', open: async () => broken },
          { name: 'away', open: () => Promise.reject(away) },
        ],
        local,
      });
      expect(summary.info.mode).toBe(local === 'never' ? 'streamed' : 'local');
      const snapshotOf = async ({ repository }: typeof own) =>
        (await repository.snapshots()).map(({ id }) => id);
      expect(await snapshotOf(own)).toEqual([summary.snapshot]);
      const [elsewhere] = await snapshotOf(second);
      expect((await broken.snapshots()).map(({ id }) => id)).toEqual([]);
      expect(summary.elsewhere).toEqual([
        { repository: 'second', snapshot: elsewhere },
        { repository: 'broken', problem: expect.any(String) },
        { repository: 'away', problem: 'nobody answers' },
      ]);
      expect(summary.warnings).toHaveLength(2);
      expect(summary.warnings[0]).toMatch(/not stored in the repository "broken"/);
      expect(summary.warnings[1]).toMatch(/not stored in the repository "away": nobody answers/);

      using restored = await resticRestore(
        restic,
        second.folder,
        testPassword,
        elsewhere as string,
      );
      await using copy = await startStock(bin, join(restored.folder, 'data'));
      expect((await copy.query('select count(*)::int as n from t')).rows).toEqual([{ n: 100_000 }]);
    },
  );

  it('goes on in the others when the own repository fails, and fails when none is left', async () => {
    await using server = await startPostgres({ bin: embeddedPostgresBin(), major: 18 });
    await server.query(rows);
    await using own = await brokenRepository();
    await using second = await localRepository();
    const options = {
      settings: parseConnectionUrl(server.url()),
      source: 'shop',
      repository: own,
      countBudgetMs: 0,
    };
    const alsoTo = [{ name: 'second', open: async () => second.repository }];
    const summary = await backupPostgres({ ...options, alsoTo });
    const stored = await second.repository.snapshots();
    expect(stored.map(({ id }) => id)).toEqual([summary.snapshot]);
    expect(summary.warnings).toEqual([expect.stringMatching(/the source's own repository/)]);
    await using other = await brokenRepository();
    const none = backupPostgres({ ...options, repository: other });
    await expect(none).rejects.toMatchObject({ code: 'location.unreachable' });
    expect([await own.snapshots(), await other.snapshots()]).toEqual([[], []]);
  });

  it('by the command line: exit code 3 names the one that failed, the other has the snapshot', async () => {
    await using server = await startPostgres({ bin: embeddedPostgresBin(), major: 18 });
    await server.query(rows);
    await using place = await installation({ connection: server.url() });
    await using second = await localRepository();
    const file = join(place.folder, 'lifeboat.yaml');
    const password = join(place.folder, 'password');
    writeFileSync(
      file,
      `name: test
state: ${place.stateFolder}
repositories:
  main: { location: ${place.repositoryFolder}, password: { file: ${password} } }
  second: { location: ${second.folder}, password: { file: ${password} } }
  none: { location: ${join(place.folder, 'none')}, password: { file: ${password} } }
sources:
  database: { kind: postgres, connection: "${server.url()}", repository: main, alsoTo: [second, none] }
`,
    );
    const result = await place.run('backup');
    expect(result.exitCode, result.stdout).toBe(3);
    expect(result.stdout).toMatch(/not stored in the repository \\"none\\"/);
    const location = new LocalLocation(second.folder);
    await using opened = await openRepository({ location, password: new Secret(testPassword) });
    expect(await opened.snapshots()).toHaveLength(1);
  });
});
