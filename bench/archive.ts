// Needs a whole PostgreSQL 18 (server, pgbench, pg_basebackup): LIFEBOAT_TEST_PG_18=BIN_FOLDER.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Secret } from '../src/core/index.ts';
import { initRepository, LocalLocation } from '../src/repository/index.ts';
import { archiveCommand, restoreCommand } from '../src/sources/index.ts';
import {
  freePort,
  startPostgres,
  temporaryFolder,
  unprivileged,
} from '../test/support/postgres.ts';
import { postgresBin } from '../test/support/programs.ts';
import { wholeSegments } from './cluster.ts';
import { median } from './measure.ts';

interface Way {
  readonly name: string;
  /** As in postgresql.conf. */
  readonly command: string;
  /** What is made before the clock starts. */
  readonly prepare?: () => Promise<void>;
}

/** archive_command and restore_command beside `cp`, in segments per second; resolves with Markdown tables. */
export async function benchArchive(options: {
  readonly runs: number;
  /** How long pgbench writes. */
  readonly seconds: number;
}): Promise<string> {
  const { runs, seconds } = options;
  const bin = postgresBin(18);
  if (!bin) throw new Error('no PostgreSQL 18: set LIFEBOAT_TEST_PG_18 to its bin folder');
  const folder = temporaryFolder('bench');
  // The server enters it, and nobody else writes there: ours insists.
  chmodSync(folder, 0o755);
  const [base, plain, handover] = [
    join(folder, 'base'),
    join(folder, 'plain'),
    join(folder, 'handover'),
  ];
  const copies = join(folder, 'copies');
  for (const each of [plain, copies]) {
    mkdirSync(each);
    chmodSync(each, 0o777);
  }
  let resident: ChildProcess | undefined;
  const freshResident = async () => {
    resident?.kill('SIGTERM');
    if (resident?.exitCode === null) await once(resident, 'exit');
    const repository = join(folder, 'repository');
    for (const each of [repository, handover]) rmSync(each, { recursive: true, force: true });
    await (
      await initRepository({
        location: new LocalLocation(repository),
        password: new Secret('benchmark'),
      })
    )[Symbol.asyncDispose]();
    const script = join(import.meta.dirname, 'archive-resident.ts');
    resident = spawn(process.execPath, [script, repository, handover], { stdio: 'inherit' });
    while (!existsSync(join(handover, 'beat'))) {
      if (resident.exitCode !== null) throw new Error('the resident part ended');
      await pause(20);
    }
  };
  try {
    await using server = await startPostgres({
      bin,
      major: 18,
      settings: {
        shared_buffers: '256MB',
        wal_keep_size: '8GB',
        max_wal_size: '8GB',
        synchronous_commit: 'off',
      },
    });
    const to = ['-h', '127.0.0.1', '-p', String(server.port), '-U', 'postgres'];
    execFileSync(join(bin, 'pgbench'), ['-i', '-q', '-s', '20', ...to, 'postgres'], {
      stdio: 'pipe',
    });
    execFileSync(join(bin, 'pg_basebackup'), [...to, '-D', base, '-X', 'none', '-c', 'fast']);
    execFileSync(
      join(bin, 'pgbench'),
      ['-c', '4', '-j', '2', '-T', String(seconds), ...to, 'postgres'],
      {
        stdio: 'pipe',
      },
    );
    await server.query('select pg_switch_wal()');
    const segments = await wholeSegments(server);
    const { dataFolder } = server;
    const byCp = { name: '`cp`', command: `cp "%p" ${copies}/%f` };
    // As durable as ours: `cp` alone leaves a segment that was reported as archived to the next loss of power.
    const bySync = {
      name: '`cp`, then `sync` of the file',
      command: `${byCp.command} && sync ${copies}/%f`,
    };
    const ours = { name: 'Lifeboat', command: archiveCommand(handover), prepare: freshResident };
    const archive = await inTurn(runs, [byCp, bySync, ours], async (way) => {
      return segments.length / (await archiveAll(way, segments, dataFolder));
    });
    for (const name of segments) copyFileSync(join(dataFolder, 'pg_wal', name), join(plain, name));
    const fetchByCp = { name: '`cp`', command: `cp ${plain}/%f "%p"` };
    const fetchOurs = { name: 'Lifeboat', command: restoreCommand(handover) };
    // What is possible at all: every segment lies ready, and nobody works beside the server.
    const ready = join(folder, 'ready');
    const fetchByRename = {
      name: 'a rename, nothing else',
      command: `mv ${ready}/%f "%p"`,
      prepare: async () => copyFolder(plain, ready),
    };
    const restore = await inTurn(runs, [fetchByCp, fetchByRename, fetchOurs], async (way) => {
      const rate = await recover(bin, folder, base, way);
      // The last question of a server that was ended: its folder is not taken away before that is answered.
      while (readdirSync(join(handover, 'requests')).length > 0) await pause(20);
      return rate;
    });
    return [
      table(`archive_command, ${segments.length} segments one after the other`, archive),
      table('restore_command, in a recovery of pgbench', restore),
    ].join('\n\n');
  } finally {
    resident?.kill('SIGTERM');
    if (resident?.exitCode === null) await once(resident, 'exit');
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Result {
  readonly name: string;
  readonly rates: readonly number[];
}

async function inTurn(
  runs: number,
  ways: readonly Way[],
  measure: (way: Way) => Promise<number>,
): Promise<readonly Result[]> {
  const results = ways.map(({ name }) => ({ name, rates: [] as number[] }));
  for (let run = 0; run < runs; run++) {
    for (const [index, way] of ways.entries()) {
      await way.prepare?.();
      results[index]?.rates.push(await measure(way));
    }
  }
  return results;
}

function copyFolder(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to);
  for (const name of readdirSync(from)) copyFileSync(join(from, name), join(to, name));
  const { uid, gid } = unprivileged;
  if (uid !== undefined) execFileSync('chown', ['-R', `${uid}:${gid}`, to]);
}

/** As the archiver does; in seconds. */
async function archiveAll(
  { command }: Way,
  segments: readonly string[],
  dataFolder: string,
): Promise<number> {
  const begin = performance.now();
  for (const name of segments) {
    const filled = command.replaceAll('%f', name).replaceAll('%p', `pg_wal/${name}`);
    const child = spawn('/bin/sh', ['-c', filled], {
      cwd: dataFolder,
      stdio: 'inherit',
      ...unprivileged,
    });
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`archive_command ended with ${code}`);
  }
  return (performance.now() - begin) / 1000;
}

/** Segments per second from the start of the server to the end of the recovery. */
async function recover(
  bin: string,
  folder: string,
  base: string,
  { command }: Way,
): Promise<number> {
  const data = join(folder, 'recovered');
  rmSync(data, { recursive: true, force: true });
  execFileSync('cp', ['-a', base, data]);
  const settings = `port = ${await freePort()}\nrestore_command = '${command.replaceAll("'", "''")}'\n`;
  appendFileSync(join(data, 'postgresql.auto.conf'), settings);
  writeFileSync(join(data, 'recovery.signal'), '');
  const { uid, gid } = unprivileged;
  if (uid !== undefined) execFileSync('chown', ['-R', `${uid}:${gid}`, data]);
  const begin = performance.now();
  const child = spawn(join(bin, 'postgres'), ['-D', data], {
    ...unprivileged,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', (bytes: Buffer) => {
    log += bytes.toString();
  });
  while (!log.includes('redo done')) {
    if (child.exitCode !== null) throw new Error(`the recovery failed:\n${log.slice(-2000)}`);
    await pause(5);
  }
  const seconds = (performance.now() - begin) / 1000;
  const segments = log.match(/restored log file "[0-9A-F]{24}"/g)?.length ?? 0;
  child.kill('SIGQUIT');
  await once(child, 'exit');
  return segments / seconds;
}

function table(title: string, results: readonly Result[]): string {
  const first = median(results[0]?.rates ?? []);
  const rows = results.map(({ name, rates }) => {
    const all = rates.map((rate) => rate.toFixed(1)).join(' ');
    return `| ${name} | ${median(rates).toFixed(1)} | ${(median(rates) / first).toFixed(2)} | ${all} |`;
  });
  return [
    `| ${title} | segments/s (median) | beside \`cp\` | runs |`,
    '|---|---|---|---|',
    ...rows,
  ].join('\n');
}
