import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseConnectionUrl } from '../../src/sources/postgres/connection-url.ts';
import { renewSlot } from '../../src/sources/postgres/stream/renew-slot.ts';
import { dropSlot } from '../../src/sources/postgres/stream/slot.ts';
import { readSpool } from '../../src/sources/postgres/stream/spool-reader.ts';
import { formatLsn, timelineStream } from '../../src/wal/index.ts';
import { startPostgres } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { failingLog, type Scene, serverWal, slot, startScene } from './wal-stream-scene.ts';

/** Everything the log says it holds of a timeline is what the server has. Returns the end of it. */
async function compareLog(scene: Scene, timeline = 1): Promise<bigint> {
  const log = scene.openLog();
  const spans = (await log.coverage()).filter((each) => each.stream === timelineStream(timeline));
  expect(spans).toHaveLength(1);
  for (const { stream, start, end } of spans) {
    const held = Buffer.from(await log.read(stream, start, end));
    expect(held.equals(serverWal(scene.server, timeline, start, end))).toBe(true);
  }
  return spans.at(-1)?.end ?? 0n;
}

describe.each(serversUnderTest(18))('WAL stream from $name', ({ major, bin }) => {
  let scene: Scene;
  beforeEach(async (context) => {
    scene = await startScene(need(context, bin, `no PostgreSQL ${major}`), major);
  });
  afterEach(() => scene?.[Symbol.asyncDispose]());

  const restartLsn = async () => {
    const slots = await scene.server.query('select restart_lsn from pg_replication_slots');
    return slots.rows[0]?.restart_lsn as string;
  };

  it('brings what the server writes into the log, byte for byte, and lets the slot follow', async () => {
    const stream = scene.stream();
    await Promise.all([scene.insert(100_000), scene.insert(100_000), scene.insert(100_000)]);
    await stream.untilFlushed();
    await stream.stop();
    const end = await compareLog(scene);
    expect(end).toBeGreaterThan(48n * 2n ** 20n);
    expect(await restartLsn()).toBe(formatLsn(end));
    const spool = await readSpool(scene.spoolFolder);
    expect(await spool?.spans()).toHaveLength(1);
    expect((await spool?.spans())?.[0]?.end).toBe(end);

    const again = scene.stream();
    await scene.insert(1000);
    await again.untilFlushed();
    await again.stop();
    expect(await compareLog(scene)).toBeGreaterThan(end);
    expect(again.warnings).toEqual([]);
  });

  it('goes on after the server stopped, and after it was killed', async () => {
    const stream = scene.stream();
    await scene.insert(1000);
    await stream.untilFlushed();
    await scene.server.stop();
    await stream.until(({ phase, problem }) => phase === 'waiting' && problem !== undefined);
    await scene.server.start();
    await scene.insert(50_000);
    await scene.server.kill();
    await scene.server.start();
    await scene.insert(1000);
    await stream.untilFlushed();
    expect(stream.state()?.problem).toBeUndefined();
    await stream.stop();
    await compareLog(scene);
  });

  it('goes on from the log when the spool is lost', async () => {
    const stream = scene.stream();
    await scene.insert(200_000);
    await stream.untilFlushed();
    await stream.stop();
    rmSync(scene.spoolFolder, { recursive: true });
    const again = scene.stream();
    await scene.insert(1000);
    await again.untilFlushed();
    await again.stop();
    await compareLog(scene);
  });

  it('makes a dropped slot again as long as no WAL is missing', async () => {
    const stream = scene.stream();
    await scene.insert(1000);
    await stream.untilFlushed();
    await stream.stop();
    await dropSlot(parseConnectionUrl(scene.server.url()), slot);
    expect(await restartLsn()).toBeUndefined();
    const again = scene.stream();
    await scene.insert(1000);
    await again.untilFlushed();
    await again.stop();
    expect(again.warnings).toEqual([expect.stringContaining('has been made again')]);
    await compareLog(scene);
  });

  it('says that the slot is lost when WAL is missing, and goes on behind the gap when it is renewed', async () => {
    const settings = parseConnectionUrl(scene.server.url());
    const stream = scene.stream();
    await scene.insert(1000);
    await stream.untilFlushed();
    await stream.stop();
    const before = (await scene.openLog().coverage()).at(-1)?.end as bigint;
    await dropSlot(settings, slot);
    await scene.server.query(`alter system set wal_keep_size = 0`);
    await scene.server.query(`alter system set max_wal_size = '32MB'`);
    await scene.server.query('select pg_reload_conf()');
    for (let round = 0; round < 4; round += 1) {
      await scene.insert(60_000);
      await scene.server.query('select pg_switch_wal()');
      await scene.server.query('checkpoint');
    }
    expect(await scene.stream().failure).toMatchObject({
      code: 'postgres.slot-lost',
      message: expect.stringContaining('WAL is missing from'),
      cause: { context: { sqlstate: '58P01' } },
    });
    expect(await restartLsn()).toBeUndefined();

    const { spoolFolder } = scene;
    const lost = await renewSlot({ settings, slot, spoolFolder, log: scene.openLog() });
    expect(lost?.timeline).toBe(1);
    const again = scene.stream();
    await scene.insert(1000);
    await again.untilFlushed();
    await again.stop();
    const spans = await scene.openLog().coverage();
    expect(spans).toHaveLength(2);
    expect(spans[0]?.end).toBe(before);
    expect(formatLsn(spans[1]?.start ?? 0n)).toBe(lost?.end);
    expect(await renewSlot({ settings, slot, spoolFolder, log: scene.openLog() })).toBeUndefined();
  });

  it('refuses another cluster, by spool and by log', async () => {
    const stream = scene.stream();
    await scene.insert(1000);
    await stream.untilFlushed();
    await stream.stop();
    await using other = await startPostgres({ bin: bin as string, major });
    const settings = parseConnectionUrl(other.url());
    const refused = { code: 'postgres.other-cluster' };
    expect(await scene.stream({ settings }).failure).toMatchObject(refused);
    const spoolFolder = `${scene.spoolFolder}-other`;
    expect(await scene.stream({ settings, spoolFolder }).failure).toMatchObject(refused);
    const expected = scene.stream({ systemId: '12345', spoolFolder });
    expect(await expected.failure).toMatchObject(refused);
  });

  it('keeps WAL in the spool while the repository is away, within its limit', async () => {
    let isDown = false;
    const log = failingLog(scene.openLog(), () => isDown);
    const limits = { pieceIntervalMs: 200, spoolBytesMax: 32 * 2 ** 20 };
    const stream = scene.stream({ log, limits });
    await scene.insert(1000);
    await stream.untilFlushed();
    const flushed = await restartLsn();
    isDown = true;
    await scene.insert(500_000);
    const end = await scene.serverLsn();
    await stream.until(({ problem }) => /spool is full/.test(problem ?? ''));
    expect(stream.state()?.problem).toMatch(/the repository is away/);
    expect(stream.state()?.written).toBeLessThan(end);
    expect(stream.state()?.alarms).toMatchObject([{ code: 'spool.filling', level: 'late' }]);
    expect(stream.warnings).toEqual([]);
    expect(await restartLsn()).toBe(flushed);
    isDown = false;
    await stream.untilFlushed();
    await stream.stop();
    expect(stream.state()?.problem).toBeUndefined();
    await compareLog(scene);
  });

  it('lets commits wait for the spool (remote_write) or the repository (on)', async () => {
    let isDown = false;
    const log = failingLog(scene.openLog(), () => isDown);
    await scene.server.query(`alter system set synchronous_standby_names = 'boat'`);
    await scene.server.query('select pg_reload_conf()');
    const stream = scene.stream({ log, applicationName: 'boat' });
    // Without the stream a commit waits for ever, and the test would not say why.
    const unlessFailed = <Result>(work: Promise<Result>) =>
      Promise.race([work, stream.failure.then((error) => Promise.reject(error))]);
    await unlessFailed(scene.insert(10));
    isDown = true;
    const commit = (level: string) =>
      unlessFailed(
        scene.server.query(
          `set synchronous_commit = ${level}; insert into filler (body) values ('${level}')`,
        ),
      );
    await commit('remote_write');
    let returned = false;
    const waiting = commit('on').then(() => {
      returned = true;
    });
    await stream.until(({ problem }) => /the repository is away/.test(problem ?? ''));
    await commit('remote_write');
    expect(returned).toBe(false);
    isDown = false;
    await waiting;
    await stream.stop();
    await compareLog(scene);
  });

  it('follows the server to a new timeline', async () => {
    const stream = scene.stream();
    await scene.insert(1000);
    await stream.untilFlushed();
    await scene.server.stop();
    await stream.until(({ phase }) => phase === 'waiting');
    await promote(scene);
    await scene.insert(200_000);
    await stream.until(() => stream.state()?.phase === 'streaming');
    await stream.untilFlushed();
    await stream.stop();
    const log = scene.openLog();
    expect(await log.fileNames()).toContain('00000002.history');
    const history = Buffer.from((await log.readFile('00000002.history')) ?? []).toString();
    const switchLsn = /^1\t(\S+)/.exec(history)?.[1];
    const spans = await log.coverage();
    expect(spans.map((each) => each.stream)).toEqual(['00000001', '00000002']);
    expect(formatLsn(spans[0]?.end ?? 0n)).toBe(switchLsn);
    await compareLog(scene, 2);
    await scene.server.query('select 1');
  });

  it('does not keep a server from shutting down when the repository is away', async () => {
    let isDown = false;
    const stream = scene.stream({ log: failingLog(scene.openLog(), () => isDown) });
    await scene.insert(1000);
    await stream.untilFlushed();
    isDown = true;
    await scene.insert(1000);
    await scene.server.stop();
    isDown = false;
    await scene.server.start();
    await stream.until(({ phase }) => phase === 'streaming');
    await stream.untilFlushed();
    await stream.stop();
    await compareLog(scene);
  });

  it('waits for a busy slot, then says so; a busy spool at once', async () => {
    const stream = scene.stream();
    await stream.until(({ phase }) => phase === 'streaming');
    expect(await scene.stream().failure).toMatchObject({ code: 'spool.locked' });
    await scene.insert(10);
    await stream.untilFlushed();
    const other = scene.stream({
      spoolFolder: `${scene.spoolFolder}-other`,
      limits: { slotBusyMaxMs: 500 },
    });
    expect(await other.failure).toMatchObject({ code: 'postgres.slot-busy' });
    await stream.stop();
  });
});

/** An end of recovery makes a new timeline, as a promotion does. */
async function promote(scene: Scene): Promise<void> {
  const { dataFolder } = scene.server;
  appendFileSync(join(dataFolder, 'postgresql.conf'), "\nrestore_command = '/bin/false'\n");
  writeFileSync(join(dataFolder, 'recovery.signal'), '');
  await scene.server.start();
  for (;;) {
    const state = await scene.server.query('select pg_is_in_recovery() as recovering');
    if (!state.rows[0].recovering) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
