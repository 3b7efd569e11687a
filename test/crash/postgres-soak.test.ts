// Under pgbench, with kill -9 of Lifeboat and of PostgreSQL at random, and one promotion of a standby: a restore to any position
// holds, row for row, what stock recovery from pg_basebackup and pg_receivewal gives there.
import { chmodSync, chownSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { untilRecord } from '../support/command-line.ts';
import { ended, installation } from '../support/installation.ts';
import { temporaryFolder, unprivileged } from '../support/postgres.ts';
import { postgresBin } from '../support/programs.ts';
import { startStock } from '../support/restored-server.ts';
import { need } from '../support/skip.ts';
import { contentOf, Pgbench } from './pgbench.ts';
import { SoakCluster } from './soak-cluster.ts';
import { StockReference } from './stock-reference.ts';

const isSoak = process.env.LIFEBOAT_SOAK === '1';
const durationMs = isSoak ? 15 * 60_000 : 10_000;
const positions = isSoak ? 10 : 3;
const major = 18;
const settings = { wal_keep_size: '4GB', max_wal_size: '128MB', checkpoint_timeout: '30s' };

it(`restores what stock recovery restores, after ${durationMs / 1000} s of kills`, async (context) => {
  const bin = need(context, postgresBin(major), 'no whole PostgreSQL of this version');
  const seed = Number(process.env.LIFEBOAT_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
  const random = generator(seed);
  using cleanUp = new DisposableStack();
  const folder = temporaryFolder('soak');
  cleanUp.defer(() => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o755);
  if (unprivileged.uid !== undefined)
    chownSync(folder, unprivileged.uid, unprivileged.gid as number);
  await using cluster = await SoakCluster.start({
    bin,
    major,
    settings,
    withStandby: isSoak,
    folder,
  });
  await using own = await installation({ connection: cluster.url(), programs: bin });
  const conninfo = cluster.conninfo();
  await using bench = await Pgbench.start(bin, conninfo, { scale: isSoak ? 3 : 1, clients: 4 });
  await using reference = await StockReference.start(bin, join(folder, 'stock'), conninfo);

  let serving = own.spawn('serve');
  await untilRecord(serving, ({ type }) => type === 'backup');
  serving.stdout?.resume();
  await cluster.untilReceived(['lifeboat', 'pg_receivewal']);

  const lsns: string[] = [];
  const kills = { lifeboat: 0, server: 0 };
  const end = performance.now() + durationMs;
  let isPromoted = false;
  for (let round = 0; performance.now() < end || round < 4; round++) {
    await pause(400 + random() * (isSoak ? 8000 : 1500));
    lsns.push(await cluster.position());
    const choice = random();
    if (round % 4 === 1 || choice < 0.4) {
      await ended(serving, 'SIGKILL');
      kills.lifeboat++;
      await pause(random() * 1000);
      serving = own.spawn('serve');
      serving.stdout?.resume();
    } else if (round % 4 === 3 || choice < 0.6) {
      await cluster.kill();
      kills.server++;
    } else if (choice < 0.7) {
      const backup = own.spawn('backup');
      backup.stdout?.resume();
      await pause(random() * 4000);
      if (random() < 0.5) await ended(backup, 'SIGKILL');
      else await ended(backup);
    }
    if (isSoak && !isPromoted && performance.now() > end - durationMs / 2) {
      isPromoted = true;
      await cluster.promote();
    }
  }
  await pause(500);
  await bench.stop();
  await cluster.untilReceived(['lifeboat', 'pg_receivewal']);
  await ended(serving, 'SIGTERM');
  await reference.stop();
  expect(kills.lifeboat).toBeGreaterThan(0);
  expect(kills.server).toBeGreaterThan(0);
  expect(isPromoted).toBe(isSoak);

  const chosen = choose(lsns, positions, random);
  const label = `seed ${seed}, ${JSON.stringify(kills)}, positions ${chosen.join(' ')}`;
  const expected = new Map<string, string>();
  await reference.replayTo(chosen, async (lsn, query) => {
    expected.set(lsn, await contentOf(query));
  });
  expect(expected.size, label).toBe(positions);
  expect(new Set(expected.values()).size, label).toBeGreaterThan(1);
  for (const lsn of chosen) {
    const target = join(folder, `restored-${lsn.replace('/', '-')}`);
    const restore = await own.run('restore', '--to', target, '--at', lsn);
    expect(restore, label + restore.stdout + restore.stderr).toMatchObject({ exitCode: 0 });
    const server = await startStock(bin, target);
    const content = await contentOf((sql) => server.query(sql).then(({ rows }) => rows)).finally(
      () => server[Symbol.asyncDispose](),
    );
    expect(content, `${label}, at ${lsn}`).toBe(expected.get(lsn));
    rmSync(target, { recursive: true, force: true });
  }
});

/** Different ones, ascending: what the stock server is taken to one after the other. */
function choose(lsns: readonly string[], count: number, random: () => number): readonly string[] {
  const different = [...new Set(lsns)];
  while (different.length > count) different.splice(Math.floor(random() * different.length), 1);
  return different;
}

/** Mulberry32: the kills of a failing run come again with LIFEBOAT_TEST_SEED. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
