// WAL streaming beside pg_receivewal under pgbench. Needs a whole PostgreSQL 18: LIFEBOAT_TEST_PG_18=BIN_FOLDER.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Secret } from '../src/core/index.ts';
import { initRepository, LocalLocation } from '../src/repository/index.ts';
import { startPostgres, type TestServer, temporaryFolder } from '../test/support/postgres.ts';
import { postgresBin } from '../test/support/programs.ts';
import { median } from './measure.ts';

const run = promisify(execFile);
const main = join(import.meta.dirname, '../src/cli/main.ts');
const sampleIntervalMs = 50;
const scale = 20;
const clients = 8;

interface Streamer {
  readonly name: string;
  /** In pg_stat_replication. */
  readonly application: string;
  start(): Promise<ChildProcess>;
}

interface Outcome {
  readonly name: string;
  readonly transactionsPerSecond: number;
  readonly walBytesPerSecond: number;
  /** The server's own measurement: from its flush to the report, in ms. */
  readonly writtenMs: readonly number[];
  readonly flushedMs: readonly number[];
  readonly behindBytes: number;
  readonly caughtUpAfterMs: number;
}

/** pgbench alone, beside pg_receivewal and beside `lifeboat serve`, in turn; resolves with a Markdown table. */
export async function benchWal(options: {
  readonly runs: number;
  readonly seconds: number;
}): Promise<string> {
  const bin = postgresBin(18);
  if (!bin) throw new Error('no PostgreSQL 18: set LIFEBOAT_TEST_PG_18 to its bin folder');
  const folder = temporaryFolder('bench-wal');
  try {
    const settings = { max_wal_size: '8GB', shared_buffers: '512MB', wal_keep_size: '0' };
    await using server = await startPostgres({ bin, major: 18, settings });
    await pgbench(server, '-i', '-q', '-s', String(scale));
    const streamers = [
      receiver(server, folder),
      await lifeboat(server, folder, 'calm', 'off'),
      await lifeboat(server, folder, 'hurried', 'on'),
    ];
    const outcomes: Outcome[] = [];
    for (let round = 0; round < options.runs; round++) {
      for (const streamer of [undefined, ...streamers]) {
        outcomes.push(await measure(server, streamer, options.seconds));
      }
    }
    return render(outcomes);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function pgbench(server: TestServer, ...args: string[]): Promise<string> {
  const place = ['-h', '127.0.0.1', '-p', String(server.port), '-U', 'postgres', 'postgres'];
  return (await run(join(server.bin, 'pgbench'), [...args, ...place])).stdout;
}

function receiver(server: TestServer, folder: string): Streamer {
  const slot = 'receiver';
  const target = join(folder, 'received');
  const program = join(server.bin, 'pg_receivewal');
  const place = ['-h', '127.0.0.1', '-p', String(server.port), '-U', 'postgres', '-S', slot];
  return {
    name: 'pg_receivewal --synchronous',
    application: 'pg_receivewal',
    start: async () => {
      mkdirSync(target, { recursive: true });
      await run(program, [...place, '--create-slot', '--if-not-exists']);
      return spawn(program, [...place, '-D', target, '--synchronous'], { stdio: 'ignore' });
    },
  };
}

/** With `on` WAL goes to the repository at once, as for commits that wait for that, else every other second. */
async function lifeboat(
  server: TestServer,
  folder: string,
  source: string,
  synchronous: 'off' | 'on',
): Promise<Streamer> {
  const location = join(folder, source);
  await using _ = await initRepository({
    location: new LocalLocation(location),
    password: new Secret('benchmark'),
  });
  const password = join(folder, 'password');
  writeFileSync(password, 'benchmark\n', { mode: 0o600 });
  const config = join(folder, `${source}.yaml`);
  writeFileSync(
    config,
    `name: benchmark
state: ${join(folder, `${source}-state`)}
repositories: { main: { location: ${location}, password: { file: ${password} } } }
sources: { ${source}: { kind: postgres, connection: "${server.url()}", synchronous: "${synchronous}" } }
`,
  );
  await run(process.execPath, [main, 'backup', source, '--config', config, '--json']);
  return {
    name: `lifeboat serve, synchronous: ${synchronous}`,
    application: `lifeboat_${source}`,
    start: async () => {
      const args = [main, 'serve', '--config', config, '--json'];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
      // What it does once at its start is no part of what is measured.
      await new Promise<void>((resolve) => {
        child.stdout.on('data', (data: Buffer) => {
          if (data.includes('"type":"catalog"')) resolve();
        });
      });
      return child;
    },
  };
}

async function measure(
  server: TestServer,
  streamer: Streamer | undefined,
  seconds: number,
): Promise<Outcome> {
  const name = streamer?.name ?? 'pgbench alone';
  const child = await streamer?.start();
  try {
    if (streamer) await untilStreaming(server, streamer.application);
    if (streamer) await untilCaughtUp(server, streamer.application);
    const begin = await position(server);
    const bench = pgbench(server, '-c', String(clients), '-j', '2', '-T', String(seconds), '-N');
    const samples = streamer
      ? await sample(server, streamer.application, bench)
      : { writtenMs: [], flushedMs: [] };
    const transactionsPerSecond = Number(/tps = ([\d.]+)/.exec(await bench)?.[1]);
    const end = await position(server);
    const started = performance.now();
    const behindBytes = streamer ? await behind(server, streamer.application, end) : 0;
    while (streamer && (await behind(server, streamer.application, end)) > 0) await pause(5);
    const caughtUpAfterMs = performance.now() - started;
    const walBytesPerSecond = (end - begin) / seconds;
    const outcome = { name, transactionsPerSecond, walBytesPerSecond, ...samples };
    process.stderr.write(`  ${name}: ${transactionsPerSecond.toFixed(0)} transactions a second\n`);
    return { ...outcome, behindBytes, caughtUpAfterMs };
  } finally {
    if (child) await ended(child);
  }
}

/** What was written while it was away is no part of what is measured either. */
async function untilCaughtUp(server: TestServer, application: string): Promise<void> {
  const end = await position(server);
  const sql = `select 1 from pg_stat_replication where application_name = '${application}' and pg_wal_lsn_diff(flush_lsn, '0/0') >= ${end}`;
  while (!(await server.query(sql)).rowCount) await pause(50);
}

async function untilStreaming(server: TestServer, application: string): Promise<void> {
  const sql = `select 1 from pg_stat_replication where application_name = '${application}' and state = 'streaming'`;
  while (!(await server.query(sql)).rowCount) await pause(50);
}

async function position(server: TestServer): Promise<number> {
  const sql = `select pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')::float8 as position`;
  return (await server.query(sql)).rows[0].position;
}

/** How much the streamer has not written yet of what ends at `end`. */
async function behind(server: TestServer, application: string, end: number): Promise<number> {
  const sql = `select pg_wal_lsn_diff(write_lsn, '0/0')::float8 as written from pg_stat_replication where application_name = '${application}'`;
  return Math.max(0, end - ((await server.query(sql)).rows[0]?.written ?? 0));
}

async function sample(server: TestServer, application: string, until: Promise<unknown>) {
  const writtenMs: number[] = [];
  const flushedMs: number[] = [];
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  until.then(over, over);
  const sql = `select extract(epoch from write_lag)::float8 * 1000 as written,
    extract(epoch from flush_lag)::float8 * 1000 as flushed
    from pg_stat_replication where application_name = '${application}'`;
  while (!isOver) {
    const [row] = (await server.query(sql)).rows;
    if (typeof row?.written === 'number') writtenMs.push(row.written);
    if (typeof row?.flushed === 'number') flushedMs.push(row.flushed);
    await pause(sampleIntervalMs);
  }
  return { writtenMs, flushedMs };
}

async function ended(child: ChildProcess): Promise<void> {
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGINT');
  await exit;
}

function render(outcomes: readonly Outcome[]): string {
  const groups = Map.groupBy(outcomes, ({ name }) => name);
  const rows = [...groups].map(([name, runs]) => {
    const of = (value: (run: Outcome) => number) => median(runs.map(value));
    const lag = (value: (run: Outcome) => readonly number[]) => {
      const all = runs.flatMap(value);
      if (all.length === 0) return '| | ';
      const sorted = all.toSorted((a, b) => a - b);
      const p99 = sorted[Math.floor(sorted.length * 0.99)] as number;
      return `| ${median(all).toFixed(1)} | ${p99.toFixed(1)} `;
    };
    const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
    return `| ${name} | ${of((each) => each.transactionsPerSecond).toFixed(0)} | ${mebibytes(of((each) => each.walBytesPerSecond))} ${lag((each) => each.writtenMs)}${lag((each) => each.flushedMs)}| ${mebibytes(of((each) => each.behindBytes))} | ${(of((each) => each.caughtUpAfterMs) / 1000).toFixed(2)} |`;
  });
  return [
    `| pgbench -c ${clients} -N | transactions/s | WAL MiB/s | commit to written, ms median | p99 | to flushed, ms median | p99 | MiB behind at the end | caught up after s |`,
    '|---|---|---|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}
