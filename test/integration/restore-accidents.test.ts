// What goes wrong around a restore, and what PostgreSQL's own tools say of what came out of one.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ProgressEvent } from '../../src/core/index.ts';
import {
  planRecovery,
  restoreInPlace,
  restoreToMoment,
} from '../../src/sources/postgres/restore/index.ts';
import { WalFeed } from '../../src/sources/postgres/restore/wal-feed.ts';
import {
  findServerPrograms,
  giveTreeTo,
  type ServerPrograms,
} from '../../src/sources/postgres/server/index.ts';
import { formatLsn } from '../../src/wal/index.ts';
import { temporaryFolder, unprivileged } from '../support/postgres.ts';
import { startStock } from '../support/restored-server.ts';
import { serversUnderTest } from '../support/servers.ts';
import { smallDisk } from '../support/small-disk.ts';
import {
  contentSql,
  type ProtectedServer,
  protectServer,
  type RecordedMoment,
  source,
} from './protected-server.ts';

const segmentBytes = 2 ** 20;

describe.each(serversUnderTest(15))('around a restore, $name', ({ name, major, bin, hasTools }) => {
  let live: ProtectedServer;
  let programs: ServerPrograms;
  let place: string;
  let moment: RecordedMoment;

  beforeAll(async () => {
    if (!bin) return;
    programs = await findServerPrograms(major, { configuredFolder: bin });
    place = temporaryFolder('accidents');
    chmodSync(place, 0o755);
    const settings = { min_wal_size: '5MB', max_wal_size: '10MB' };
    live = await protectServer({ bin, major, settings, initdb: ['--wal-segsize=1'] });
    const { server } = live;
    await server.query('create table ledger (id bigserial primary key, note text not null)');
    await server.query(
      `create table ballast as select repeat(md5(i::text), 30) from generate_series(1, 40000) i`,
    );
    // Takes effect only with the next start, which the live server does not see.
    await server.query(`alter system set shared_preload_libraries = 'plpgsql', 'of_an_extension'`);
    const finish = await live.stream();
    await live.backup();
    for (let round = 0; round < 3; round++) {
      await server.query(
        `insert into ledger (note) select md5(i::text) from generate_series(1, 3000) i`,
      );
      await server.query('checkpoint');
    }
    moment = await live.moment();
    await server.query('drop table ballast');
    await finish();
    await server.query('alter system reset shared_preload_libraries');
  });
  afterAll(async () => {
    await live?.[Symbol.asyncDispose]();
    if (place) rmSync(place, { recursive: true, force: true });
  });

  test('pg_waldump reads all of the WAL that a restore hands to the server', async (context) => {
    if (!bin) return context.skip(`no ${name}`);
    if (!hasTools) return context.skip(`${name} has no pg_waldump`);
    const { repository } = live;
    const plan = await planRecovery({ repository, source, target: { kind: 'latest' } });
    const folder = join(place, 'wal');
    mkdirSync(folder);
    const taken: string[] = [];
    {
      await using feed = await WalFeed.start({ plan, dataFolder: folder, account: undefined });
      const ready = join(folder, 'lifeboat-recovery/ready');
      const [from, to] = [Number(plan.backup.startLsn), Number(plan.end)];
      const total = Math.ceil(to / segmentBytes) - Math.floor(from / segmentBytes);
      while (taken.length < total) {
        for (const segment of readdirSync(ready)) {
          renameSync(join(ready, segment), join(folder, segment));
          taken.push(segment);
        }
        expect(feed.failure).toBe(undefined);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
    if (plan.stop.kind !== 'end') throw new Error('the end was asked for');
    const args = [
      '-p',
      folder,
      '-s',
      formatLsn(plan.backup.startLsn),
      '-e',
      formatLsn(plan.end as never),
    ];
    const dump = execFileSync(join(bin, 'pg_waldump'), args, {
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    });
    const last = dump.trimEnd().split('\n').at(-1);
    const [high, low] = formatLsn(plan.stop.lastRecord as never).split('/') as [string, string];
    expect(last).toContain(`lsn: ${high}/${low.padStart(8, '0')}`);
  });

  test('pg_controldata agrees, and a library that is missing is named before anybody starts the server', async (context) => {
    if (!bin) return context.skip(`no ${name}`);
    const { repository } = live;
    const folder = join(place, 'restored');
    const events: ProgressEvent[] = [];
    const progress = (event: ProgressEvent) => void events.push(event);
    const target = { kind: 'lsn', lsn: moment.lsn, inclusive: false } as const;
    const restored = await restoreToMoment({
      repository,
      source,
      target,
      folder,
      programs,
      progress,
    });
    const warnings = events.filter(({ type }) => type === 'warning');
    expect(warnings).toEqual([
      expect.objectContaining({ message: expect.stringContaining('"of_an_extension"') }),
    ]);
    await expect(startStock(bin, folder)).rejects.toThrow('of_an_extension');
    if (!hasTools) return;
    const said = execFileSync(join(bin, 'pg_controldata'), ['-D', folder], {
      encoding: 'utf8',
      env: { LC_ALL: 'C' },
    });
    expect(said).toMatch(/Database cluster state: +shut down\n/);
    expect(said).toMatch(new RegExp(`system identifier: +${restored.base.info.systemId}\\n`));
    expect(said).toMatch(new RegExp(`TimeLineID: +${restored.timeline}\\n`));
  });

  test('in place on a full disk: told, does not start, goes on when there is room', async (context) => {
    if (!bin) return context.skip(`no ${name}`);
    const { server, repository } = live;
    using disk = smallDisk(context, 220);
    // Where the account of the server may not pass, nothing is begun.
    const closed = dirname(disk.folder);
    const folder = join(disk.folder, 'data');
    await server.stop();
    cpSync(server.dataFolder, folder, { recursive: true });
    const account =
      unprivileged.uid === undefined ? undefined : { name: 'nobody', ...unprivileged };
    chmodSync(folder, 0o700);
    await giveTreeTo(account as never, folder);
    // The table that was dropped is missing there, and there is no room for it.
    disk.fill(2 * 2 ** 20);
    const options = {
      repository,
      source,
      target: { kind: 'lsn', lsn: moment.lsn, inclusive: false },
      folder,
      keep: { kind: 'nothing' },
      programs,
    } as const;
    await expect(restoreInPlace(options)).rejects.toMatchObject({
      code: 'postgres.start-failed',
      message: expect.stringContaining(`cannot enter ${closed}`),
    });
    expect(existsSync(join(folder, 'global/pg_control'))).toBe(true);
    chmodSync(closed, 0o755);
    await expect(restoreInPlace(options)).rejects.toMatchObject({
      code: 'disk.full',
      hint: expect.stringContaining('run the same command again'),
    });
    expect(existsSync(join(folder, 'global/pg_control'))).toBe(false);
    await expect(startStock(bin, folder)).rejects.toThrow('pg_control');
    disk.makeRoom();
    await restoreInPlace(options);
    await using stock = await startStock(bin, folder, { shared_preload_libraries: '' });
    const { rows } = await stock.query(contentSql);
    expect(rows).toEqual([{ count: moment.count, md5: moment.md5 }]);
    expect((await stock.query('select count(*)::int as n from ballast')).rows).toEqual([
      { n: 40000 },
    ]);
  });
});
