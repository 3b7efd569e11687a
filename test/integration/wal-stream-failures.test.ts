import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSpool } from '../../src/sources/postgres/stream/spool-reader.ts';
import { parseLsn, segmentName } from '../../src/wal/index.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { type Scene, segmentSizeBytes, serverWal, startScene } from './wal-stream-scene.ts';

const kills = 8;

describe.each(serversUnderTest(15))('WAL stream from $name', ({ major, bin }) => {
  let scene: Scene;
  beforeEach(async (context) => {
    scene = await startScene(need(context, bin, `no PostgreSQL ${major}`), major);
  });
  afterEach(() => scene?.[Symbol.asyncDispose]());

  it('keeps what it reported through kill -9 at random moments', async () => {
    let written = 0n;
    let flushed = 0n;
    const inserting = new AbortController();
    const inserts = (async () => {
      while (!inserting.signal.aborted) await scene.insert(2000);
    })();
    try {
      for (let round = 0; round < kills; round += 1) {
        const child = startChild(scene);
        // Counted from the moment it streams, however slowly this machine starts a process; now and then earlier.
        let deadline = performance.now() + (round % 4 === 3 ? Math.random() * 1500 : 60_000);
        let streams = false;
        while (performance.now() < deadline) {
          const reported = await reportedToServer(scene);
          if (reported.written > 0n && !streams) {
            streams = true;
            deadline = Math.min(deadline, performance.now() + Math.random() * 1200);
          }
          if (reported.written > written) written = reported.written;
          if (reported.flushed > flushed) flushed = reported.flushed;
        }
        await killed(child);
        expect(await missingFrom(scene, written, flushed)).toEqual([]);
      }
    } finally {
      inserting.abort();
      await inserts;
    }
    expect(flushed).toBeGreaterThan(0n);
    const stream = scene.stream();
    await stream.untilFlushed();
    await stream.stop();
    const spans = await scene.openLog().coverage();
    expect(spans).toHaveLength(1);
    for (const { stream: name, start, end } of spans) {
      const held = Buffer.from(await scene.openLog().read(name, start, end));
      expect(held.equals(serverWal(scene.server, 1, start, end))).toBe(true);
    }
    expect(stream.warnings).toEqual([]);
  });

  it('sets a torn file of the spool aside and takes the bytes of the server', async () => {
    const stream = scene.stream();
    await scene.insert(10_000);
    await stream.untilFlushed();
    await stream.stop();
    const [path, sizeBytes] = newestSpoolFile(scene);
    const file = await open(path, 'r+');
    await file.write(Buffer.alloc(4096), 0, 4096, sizeBytes - 4096);
    await file.close();
    truncateSync(path, sizeBytes + 8192);
    const again = scene.stream();
    await scene.insert(1000);
    await again.untilFlushed();
    await again.stop();
    expect(again.warnings).toEqual([expect.stringContaining(`${path}.conflict-1`)]);
    expect(statSync(`${path}.conflict-1`).size).toBe(sizeBytes + 8192);
    await compareAll(scene);
  });

  it('does not mix the WAL of a server that was set back and went another way', async () => {
    const { server } = scene;
    const stream = scene.stream();
    await scene.insert(1000);
    await stream.untilFlushed();
    await server.stop();
    const past = join(scene.folder, 'past');
    execFileSync('cp', ['-a', server.dataFolder, past]);
    await server.start();
    await scene.insert(20_000);
    await stream.untilFlushed();
    await stream.stop();
    await server.stop();
    rmSync(server.dataFolder, { recursive: true });
    execFileSync('cp', ['-a', past, server.dataFolder]);
    await server.start();
    await server.query(
      `insert into filler (body) select repeat('another way', 20) from generate_series(1, 40000)`,
    );
    expect(await scene.stream().failure).toMatchObject({ code: 'log.conflict' });
    rmSync(scene.spoolFolder, { recursive: true });
    expect(await scene.stream().failure).toMatchObject({ code: 'log.conflict' });
  });

  it('says what to change when the server has no room for a slot', async () => {
    await scene.server.query('alter system set max_replication_slots = 0');
    await scene.server.stop();
    await scene.server.start();
    expect(await scene.stream().failure).toMatchObject({
      code: 'postgres.refused',
      hint: expect.stringContaining('max_replication_slots = 10'),
    });
  });

  it('acknowledges nothing while the disk of the spool is full', async (context) => {
    if (process.getuid?.() !== 0) context.skip('only root can mount a small file system');
    mkdirSync(scene.spoolFolder);
    const options = ['-t', 'tmpfs', '-o', 'size=40m,mode=700', 'lifeboat-test', scene.spoolFolder];
    try {
      execFileSync('mount', options, { stdio: 'ignore' });
    } catch {
      return context.skip('this machine lets nobody mount');
    }
    const ballast = join(scene.spoolFolder, 'ballast');
    try {
      writeFileSync(ballast, Buffer.alloc(30 * 2 ** 20));
      const stream = scene.stream();
      await scene.insert(200_000);
      await stream.until(({ problem }) => /no space left/.test(problem ?? ''));
      const { written } = await reportedToServer(scene);
      expect(written).toBeLessThan(await scene.serverLsn());
      rmSync(ballast);
      await stream.untilFlushed();
      await stream.stop();
      await compareAll(scene);
    } finally {
      execFileSync('umount', [scene.spoolFolder]);
    }
  });
});

function startChild(scene: Scene): ChildProcess {
  const program = join(import.meta.dirname, 'wal-stream-child.ts');
  return spawn(process.execPath, [program, scene.server.url(), scene.folder], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

async function killed(child: ChildProcess): Promise<void> {
  expect(child.exitCode).toBeNull();
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await exit;
}

/** What the server was told, as the server tells it. */
async function reportedToServer(scene: Scene): Promise<{ written: bigint; flushed: bigint }> {
  const result = await scene.server.query('select write_lsn, flush_lsn from pg_stat_replication');
  const position = (text: string | null | undefined) => (text ? parseLsn(text) : 0n);
  const row = result.rows[0];
  return { written: position(row?.write_lsn), flushed: position(row?.flush_lsn) };
}

/** Breaches of the promises: the log alone has everything flushed; log and spool together everything written. */
async function missingFrom(scene: Scene, written: bigint, flushed: bigint): Promise<string[]> {
  const problems: string[] = [];
  const log = scene.openLog();
  const spans = await log.coverage();
  const logEnd = spans.at(-1)?.end ?? 0n;
  if (spans.length > 1) problems.push('the log has a gap');
  if (logEnd < flushed) problems.push(`flushed was ${flushed}, the log ends at ${logEnd}`);
  const spool = (await (await readSpool(scene.spoolFolder))?.spans())?.at(-1);
  const end = spool && spool.end > logEnd ? spool.end : logEnd;
  if (spool && logEnd > 0n && spool.start > logEnd) problems.push('a gap before the spool');
  if (end < written) problems.push(`written was ${written}, log and spool end at ${end}`);
  if (spool) {
    // The kernel survived, so even what was not reported yet is right.
    const reader = await readSpool(scene.spoolFolder);
    const held = Buffer.from((await reader?.read(1, spool.start, spool.end)) ?? []);
    if (!held.equals(serverWal(scene.server, 1, spool.start, spool.end))) {
      problems.push('the spool holds other bytes than the server');
    }
  }
  return problems;
}

async function compareAll(scene: Scene): Promise<void> {
  const spans = await scene.openLog().coverage();
  expect(spans).toHaveLength(1);
  for (const { stream, start, end } of spans) {
    const held = Buffer.from(await scene.openLog().read(stream, start, end));
    expect(held.equals(serverWal(scene.server, 1, start, end))).toBe(true);
  }
}

function newestSpoolFile(scene: Scene): [string, number] {
  const folder = join(scene.spoolFolder, '00000001');
  const name = readdirSync(folder)
    .filter((each) => each.length === segmentName(1, 0n, segmentSizeBytes).length)
    .sort()
    .at(-1) as string;
  return [join(folder, name), statSync(join(folder, name)).size];
}
