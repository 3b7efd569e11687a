import { execFileSync } from 'node:child_process';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseConnectionUrl } from '../../src/sources/postgres/connection-url.ts';
import { renewSlot } from '../../src/sources/postgres/stream/renew-slot.ts';
import { readSpool } from '../../src/sources/postgres/stream/spool-reader.ts';
import { formatLsn, parseLsn, segmentStart, timelineStream } from '../../src/wal/index.ts';
import { freePort, startPostgres, type TestServer, unprivileged } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import {
  failingLog,
  type RunningStream,
  type Scene,
  segmentSizeBytes,
  serverWal,
  slot,
  startScene,
} from './wal-stream-scene.ts';

const settings = { wal_keep_size: '2GB', wal_log_hints: 'on', jit: 'off' };

describe.each(serversUnderTest(18))('failover of $name', (tested) => {
  let scene: Scene;
  let standby: TestServer;
  beforeEach(async (context) => {
    const bin = need(context, tested.bin, `no ${tested.name}`);
    need(context, tested.hasTools || undefined, 'no pg_basebackup');
    scene = await startScene(bin, tested.major, settings);
    standby = await startPostgres({ bin, major: tested.major, settings, standbyOf: scene.server });
  });
  afterEach(async () => {
    await standby?.[Symbol.asyncDispose]();
    await scene?.[Symbol.asyncDispose]();
  });

  const settingsOf = (server: TestServer) => parseConnectionUrl(server.url());
  const lsnOf = async (server: TestServer, what: string) => {
    const { rows } = await server.query(`select ${what} as lsn`);
    return parseLsn(rows[0].lsn ?? '0/0');
  };
  const untilFlushedFrom = async (stream: RunningStream, server: TestServer) => {
    const end = await lsnOf(server, 'pg_current_wal_flush_lsn()');
    await stream.until(({ flushed }) => flushed !== undefined && flushed >= end);
  };
  const caughtUp = async () => {
    const end = await scene.serverLsn();
    while ((await lsnOf(standby, 'pg_last_wal_receive_lsn()')) < end) await pause();
  };
  const insertInto = (server: TestServer, rows: number) =>
    server.query(
      `insert into filler (body) select md5(g::text) from generate_series(1, ${rows}) g`,
    );
  const spansOf = async (timeline: number) => {
    const spans = await scene.openLog().coverage();
    return spans.filter((each) => each.stream === timelineStream(timeline));
  };
  /** Where timeline 2 left timeline 1, as the log has it. */
  const forkLsn = async () => {
    const history = await scene.openLog().readFile('00000002.history');
    return parseLsn(/^1\t(\S+)/.exec(Buffer.from(history ?? []).toString())?.[1] ?? '0/0');
  };
  /** The log has timeline 2 from the segment of the fork on, as the server has it. */
  const compareNew = async (server: TestServer) => {
    const spans = await spansOf(2);
    expect(spans).toHaveLength(1);
    const { stream, start, end } = spans[0] as (typeof spans)[0];
    expect(start).toBe(segmentStart(await forkLsn(), segmentSizeBytes));
    const held = Buffer.from(await scene.openLog().read(stream, start, end));
    expect(held.equals(serverWal(server, 2, start, end))).toBe(true);
  };

  it('goes on with the promoted standby without a gap, and with its standby in turn', async () => {
    const { bin } = standby;
    await using second = await startPostgres({ ...tested, bin, settings, standbyOf: standby });
    const stream = scene.stream();
    await scene.insert(1000);
    await stream.untilFlushed();
    // Some that only the standby has when the primary dies.
    await stream.stop();
    await scene.insert(150_000);
    await caughtUp();
    await scene.server.kill();
    await standby.query('select pg_promote()');
    await insertInto(standby, 1000);

    const next = scene.stream({ settings: settingsOf(standby) });
    await untilFlushedFrom(next, standby);
    await next.stop();
    expect(next.warnings).toEqual([expect.stringContaining(`the slot ${slot} was gone`)]);
    const [old] = await spansOf(1);
    expect(old?.end).toBe(await forkLsn());
    await compareNew(standby);

    // A slot on a standby; it is promoted while the stream runs.
    const cascade = scene.stream({ settings: settingsOf(second) });
    await insertInto(standby, 100);
    await cascade.until(({ phase }) => phase === 'streaming');
    const end = await lsnOf(standby, 'pg_current_wal_flush_lsn()');
    await cascade.until(({ flushed }) => flushed !== undefined && flushed >= end);
    await standby.kill();
    await second.query('select pg_promote()');
    await insertInto(second, 1000);
    await untilFlushedFrom(cascade, second);
    await cascade.stop();
    expect(await scene.openLog().fileNames()).toContain('00000003.history');
    expect(await spansOf(2)).toHaveLength(1);
    const [newest] = await spansOf(3);

    // A server that begins later than we end: what nobody has is named.
    await insertInto(second, 100);
    await using late = await startPostgres({ ...tested, bin, standbyOf: second });
    const cut = scene.stream({ settings: settingsOf(late) });
    const { host, port } = settingsOf(late);
    expect(await cut.failure).toMatchObject({
      code: 'postgres.slot-lost',
      context: { server: `${host}:${port}`, isStandby: true },
    });
    // A gap is for ever: another server that does not answer just now is waited for.
    const away = { ...settingsOf(late), port: await freePort(), otherHosts: [{ host, port }] };
    const waiting = scene.stream({ settings: away });
    await waiting.until(({ problem = '' }) => /is lost.*could not connect/.test(problem));
    await waiting.stop();
    const { spoolFolder } = scene;
    const log = scene.openLog();
    const gap = await renewSlot({ settings: settingsOf(late), slot, log, spoolFolder });
    expect(gap).toMatchObject({ timeline: 3, start: formatLsn(newest?.end ?? 0n) });
    expect(parseLsn(gap?.end ?? '0/0')).toBeGreaterThan(newest?.end ?? 0n);
    const behind = scene.stream({ settings: settingsOf(late) });
    await insertInto(second, 100);
    const last = await lsnOf(second, 'pg_current_wal_flush_lsn()');
    await behind.until(({ flushed }) => flushed !== undefined && flushed >= last);
    await behind.stop();
    expect(formatLsn((await spansOf(3))[1]?.start ?? 0n)).toBe(gap?.end);
  });

  it('keeps what a lost primary had sent, and refuses that primary when it comes back', async () => {
    let isDown = false;
    const stream = scene.stream({ log: failingLog(scene.openLog(), () => isDown) });
    await scene.insert(1000);
    await stream.untilFlushed();
    await caughtUp();
    await standby.stop();
    // What the standby never gets: some in the repository, some in the spool alone.
    await scene.insert(5000);
    await stream.untilFlushed();
    isDown = true;
    await scene.insert(200_000);
    const lost = await scene.serverLsn();
    await stream.until(({ written = 0n }) => written >= lost);
    await scene.server.kill();
    await stream.stop();

    // A standby that has less is waited for; promoted, it goes on where it was.
    await standby.start();
    const { host, port } = settingsOf(standby);
    const both = { ...settingsOf(scene.server), otherHosts: [{ host, port }] };
    const next = scene.stream({ settings: both });
    await next.until(({ problem }) => /the standby has WAL up to/.test(problem ?? ''));
    await standby.query('select pg_promote()');
    await insertInto(standby, 1000);
    await next.until(({ phase }) => phase === 'streaming');
    await untilFlushedFrom(next, standby);
    await next.stop();
    expect(next.warnings).toContainEqual(expect.stringMatching(/kept, and can be restored by/));
    const [old] = await spansOf(1);
    expect(old?.end).toBeGreaterThanOrEqual(lost);
    expect(await forkLsn()).toBeLessThan(lost);
    const held = Buffer.from(await scene.openLog().read('00000001', old?.start ?? 0n, lost));
    expect(held.equals(serverWal(scene.server, 1, old?.start ?? 0n, lost))).toBe(true);
    await compareNew(standby);
    expect(await (await readSpool(scene.spoolFolder))?.spans()).toHaveLength(1);

    // Split brain.
    await scene.server.start();
    await scene.insert(10);
    const back = await scene.stream().failure;
    expect(back).toMatchObject({
      code: 'postgres.old-primary',
      message: expect.stringMatching(/timeline 1, which the cluster left at \S+ for timeline 2/),
    });
    // Where both are named, the other one is the source.
    const around = scene.stream({ settings: both });
    await insertInto(standby, 100);
    await untilFlushedFrom(around, standby);
    await around.stop();
    const spans = await scene.openLog().coverage();
    await scene.server.stop();
    rewind(scene.server, standby);
    await scene.server.start();
    const joined = scene.stream();
    await insertInto(standby, 1000);
    const end = await lsnOf(standby, 'pg_current_wal_flush_lsn()');
    await joined.until(({ flushed = 0n }) => flushed >= end);
    await joined.stop();
    expect((await spansOf(1))[0]).toEqual(spans[0]);
    await compareNew(standby);
  });

  it('refuses another standby that was promoted too, to a timeline of the same number', async () => {
    const { bin } = standby;
    const at = { ...tested, bin, settings, standbyOf: scene.server };
    await using other = await startPostgres(at);
    const stream = scene.stream();
    await scene.insert(1000);
    await stream.untilFlushed();
    await caughtUp();
    await stream.stop();
    await scene.server.stop();
    // Both ended at the same position: their history files are the same to the letter.
    await standby.query('select pg_promote()');
    await other.query('select pg_promote()');
    await insertInto(standby, 1000);
    const next = scene.stream({ settings: settingsOf(standby) });
    await untilFlushedFrom(next, standby);
    await next.stop();
    const before = await scene.openLog().coverage();

    await insertInto(other, 100_000);
    const wrong = await scene.stream({ settings: settingsOf(other) }).failure;
    expect(wrong).toMatchObject({
      code: 'log.conflict',
      message: expect.stringContaining('sends other WAL'),
    });
    expect(await scene.openLog().coverage()).toEqual(before);
    const again = scene.stream({ settings: settingsOf(standby) });
    await insertInto(standby, 1000);
    await untilFlushedFrom(again, standby);
    await again.stop();
    await compareNew(standby);
  });
});

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 50));
}

/** Makes a former primary the standby of the present one. */
function rewind(former: TestServer, primary: TestServer): void {
  const source = `host=127.0.0.1 port=${primary.port} user=postgres dbname=postgres sslmode=disable`;
  execFileSync(
    join(former.bin, 'pg_rewind'),
    ['-D', former.dataFolder, `--source-server=${source}`],
    { ...unprivileged, cwd: former.dataFolder, stdio: 'pipe' },
  );
  // The settings came from the other server.
  const settings = join(former.dataFolder, 'postgresql.auto.conf');
  appendFileSync(settings, `\nport = '${former.port}'\nprimary_conninfo = '${source}'\n`);
  writeFileSync(join(former.dataFolder, 'standby.signal'), '');
}
