import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { initRepository, LocalLocation, openRepository } from '../../src/repository/index.ts';
import { listRecoveryPoints } from '../../src/sources/index.ts';
import { openScratch } from '../../src/sources/postgres/restore/index.ts';
import { findServerPrograms } from '../../src/sources/postgres/server/index.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { embeddedPostgresBin } from '../support/programs.ts';
import { contentOfScratch, password, protectServer, source } from './protected-server.ts';

describe('a copy of a PostgreSQL source', () => {
  it('is restored to a moment inside the window of its log, without the repository it came from', async () => {
    const bin = embeddedPostgresBin();
    const folder = temporaryFolder('copy');
    const place = new LocalLocation(join(folder, 'offsite'));
    await using server = await protectServer({ bin, major: 18 });
    try {
      const { query } = server.server;
      await query('create table ledger (id int primary key, note text not null)');
      const stop = await server.stream();
      await server.backup();
      await query(`insert into ledger select n, 'kept ' || n from generate_series(1, 500) n`);
      const moment = await server.moment();
      await using to = await initRepository({ location: place, password });
      // Half of the log is on its way already when the rest is written.
      expect((await server.repository.copyTo(to)).snapshots).toHaveLength(1);
      await query('delete from ledger');
      await query('select pg_switch_wal()');
      await query(`insert into ledger values (1, 'after')`);
      await stop();
      const report = await server.repository.copyTo(to);
      expect(report).toMatchObject({ snapshots: [], snapshotsPresent: 1, problems: [] });
      expect((await to.check({ readData: true })).findings).toEqual([]);
      await using copy = await openRepository({ location: place, password });
      const windows = async (repository: typeof copy) =>
        (await listRecoveryPoints({ repository, source })).windows.map(({ fromLsn, toLsn }) => {
          return { fromLsn, toLsn };
        });
      expect(await windows(copy)).toEqual(await windows(server.repository as typeof copy));
      const programs = await findServerPrograms(18, { configuredFolder: bin });
      for (const [target, expected] of [
        [
          { kind: 'lsn', lsn: moment.lsn, inclusive: false },
          { count: 500, md5: moment.md5 },
        ],
        [{ kind: 'latest' }, { count: 1 }],
      ] as const) {
        await using scratch = await openScratch({ repository: copy, source, target, programs });
        expect(await contentOfScratch(scratch)).toMatchObject(expected);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, 120_000);
});
