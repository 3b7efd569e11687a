import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { findServerPrograms, openScratch } from '../../src/sources/index.ts';
import { lifeboatInProcess } from '../support/in-process.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import {
  contentOfScratch,
  type ProtectedServer,
  password,
  protectServer,
  type RecordedMoment,
  source,
} from './protected-server.ts';

const dayMs = 86_400_000;

describe.each(serversUnderTest(18))('a window of the log on $name', ({ bin, major }) => {
  let live: ProtectedServer;
  let config: string;
  /** After the base of so many days ago. */
  const moments = new Map<number, RecordedMoment>();
  const bases = new Map<number, string>();
  const run = (...args: string[]) =>
    lifeboatInProcess(['-c', config, ...args, '--json'], { LIFEBOAT_PASSWORD: password.reveal() });
  const ids = async () =>
    new Set((await live.repository.snapshots()).map(({ id }) => id as string));

  beforeAll(async () => {
    if (!bin) return;
    live = await protectServer({ bin, major });
    const { server, repository, location } = live;
    await server.query('create table ledger (id bigserial primary key, note text not null)');
    const finish = await live.stream();
    for (const days of [10, 6, 5, 1, 0.5]) {
      // The bases were taken on other days; the log goes on meanwhile.
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - days * dayMs });
      await live.backup();
      vi.useRealTimers();
      const [newest] = (await repository.snapshots()).filter(
        ({ id }) => ![...bases.values()].includes(id),
      );
      bases.set(days, newest?.id as string);
      await server.query(`insert into ledger (note) values ('${days} days ago')`);
      moments.set(days, await live.moment());
      await server.query('select pg_switch_wal()');
    }
    await server.query(`insert into ledger (note) values ('now')`);
    await finish();
    const file = join(location.path, '../password');
    writeFileSync(file, password.reveal(), { mode: 0o600 });
    config = join(location.path, '../lifeboat.yaml');
    writeFileSync(
      config,
      JSON.stringify({
        name: 'test',
        repositories: { main: { location: location.path, password: { file } } },
        sources: { [source]: { kind: 'postgres', connection: server.url() } },
        retention: { last: 1, minimum: 1, window: '4d' },
      }),
    );
  });
  afterAll(async () => {
    await live?.[Symbol.asyncDispose]();
  });

  it('is opened by the newest base from before it, which forget keeps and says so', async (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    // 4 days back from the newest base but one, of a day ago: the base of 5 days ago opens it.
    const opener = bases.get(5) as string;
    const named = await run('forget', opener);
    expect(named.exitCode).toBe(1);
    expect(named.stdout).toContain('opens the recovery window');
    const decided = await run('forget', '--configured');
    expect(decided.exitCode).toBe(0);
    const decisions = decided.records.filter(({ type }) => type === 'forget-decision');
    expect(decisions.filter(({ keep }) => keep)).toMatchObject([
      { id: bases.get(0.5) },
      { id: opener, safeguards: ['window'] },
    ]);
    // By hand, and whatever the address: the same promise.
    const byHand = ['forget', '-r', live.location.path, '--keep-last', '1', '--minimum', '1'];
    expect((await run(...byHand)).records.at(-1)).toMatchObject({ removed: [] });
    expect(await ids()).toEqual(new Set([opener, bases.get(0.5)]));
  });

  it('takes what is older from the log, and every moment in it is restored', async (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    const dry = await run('prune', '--dry-run');
    const wouldDrop = dry.records.at(-1)?.logSegmentsDropped as number;
    expect(wouldDrop).toBeGreaterThan(1);
    const pruned = await run('prune', '--now');
    expect(pruned.records.at(-1)).toMatchObject({ logSegmentsDropped: wouldDrop });
    expect((await run('prune')).records.at(-1)).toMatchObject({ logSegmentsDropped: 0 });
    const [first] = await live.repository.log(source).coverage();
    expect(first?.start).toBeGreaterThan(0n);
    const programs = await findServerPrograms(major, { configuredFolder: bin as string });
    for (const days of [5, 1, 0.5]) {
      const { lsn, count, md5 } = moments.get(days) as RecordedMoment;
      const target = { kind: 'lsn', lsn, inclusive: false } as const;
      await using scratch = await openScratch({
        repository: live.repository,
        source,
        target,
        programs,
      });
      expect(await contentOfScratch(scratch)).toEqual({ count, md5 });
    }
    const target = { kind: 'lsn', lsn: (moments.get(6) as RecordedMoment).lsn, inclusive: false };
    await expect(
      openScratch({ repository: live.repository, source, target, programs } as never),
    ).rejects.toMatchObject({ code: 'target.outside-window' });
  });

  it('is shown with what is promised', async (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    const points = await run('points');
    expect(points.records).toContainEqual(
      expect.objectContaining({ type: 'promise', spanMs: 4 * dayMs, isReached: true }),
    );
    const status = await run('status');
    const [seen] = status.records.filter(({ type }) => type === 'source-status');
    expect(seen).toMatchObject({ promise: { spanMs: 4 * dayMs, isReached: true } });
    expect(seen).not.toHaveProperty('gaps');
  });
});
