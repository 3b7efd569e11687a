// Needs a whole PostgreSQL 18: LIFEBOAT_TEST_PG_18=BIN_FOLDER; and `pgbackrest` on PATH.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Secret } from '../src/core/index.ts';
import { initRepository, LocalLocation } from '../src/repository/index.ts';
import { untilRecord } from '../test/support/command-line.ts';
import {
  freePort,
  type TestServer,
  temporaryFolder,
  unprivileged,
} from '../test/support/postgres.ts';
import { findProgram, postgresBin } from '../test/support/programs.ts';
import { untilFlushed } from '../test/support/until-flushed.ts';
import { pgbenchCluster } from './cluster.ts';
import { type Competitor, compare } from './measure.ts';
import { pgBackRestSettings } from './pgbackrest-settings.ts';
import { buildLifeboat } from './postgres-programs.ts';
import { render } from './report.ts';

const main = join(import.meta.dirname, '../dist/cli/main.js');
const stanza = '--stanza=bench';

/** From "restore to latest" to the first answer of a server that takes writes, beside pgBackRest; resolves with a Markdown table. */
export async function benchPostgresRestore(options: {
  readonly runs: number;
  readonly bytes: number;
}): Promise<string> {
  const bin = postgresBin(18);
  if (!bin) throw new Error('no PostgreSQL 18: set LIFEBOAT_TEST_PG_18 to its bin folder');
  buildLifeboat();
  const folder = temporaryFolder('bench');
  // The restored servers run as another account when this is root.
  chmodSync(folder, 0o755);
  try {
    process.stderr.write('making the cluster\n');
    await using server = await pgbenchCluster(bin, options.bytes);
    const peer = await protectWithPgBackRest(folder, server);
    const config = await protectWithLifeboat(folder, server, bin, () => {
      if (peer) execFileSync(peer.command, [...peer.args, '--type=full', 'backup'], quiet);
      work(bin, server);
    });
    if (peer) {
      await server.query('select pg_switch_wal()');
      execFileSync(peer.command, [...peer.args, 'check'], quiet);
    }
    const port = String(await freePort());
    const target = join(folder, 'restored');
    const firstQuery = (account: string, command: string, args: readonly string[]) => ({
      command: process.execPath,
      args: [
        join(import.meta.dirname, 'first-query.ts'),
        port,
        bin,
        target,
        account,
        command,
        ...args,
      ],
      prepare: () => {
        rmSync(target, { recursive: true, force: true, maxRetries: 5 });
        ownFolder(target);
      },
    });
    const competitors: Competitor[] = [
      ...(peer
        ? [
            {
              name: 'pgBackRest, zst, 2 processes',
              ...firstQuery('server', peer.command, [
                ...peer.args,
                `--pg1-path=${target}`,
                'restore',
              ]),
            },
          ]
        : []),
      // pgBackRest looks at none of the data.
      ...['none', 'quick'].map((level) => ({
        name: `lifeboat restore --validate ${level}`,
        ...firstQuery('own', process.execPath, [
          main,
          'restore',
          ...['--config', config, '--to', target, '--validate', level],
        ]),
      })),
    ];
    return render([
      await compare('restore to latest, start, first query', competitors, options.runs),
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const quiet = { stdio: 'ignore', ...unprivileged } as const;

/** What is in the log behind both backups. */
function work(bin: string, server: TestServer): void {
  const connection = ['-h', '127.0.0.1', '-p', String(server.port), '-U', 'postgres', 'postgres'];
  execFileSync(join(bin, 'pgbench'), ['-c', '4', '-j', '2', '-T', '30', '-N', ...connection], {
    stdio: 'pipe',
  });
}

/** As its guide sets it up: archived by the server, several segments fetched at once. */
async function protectWithPgBackRest(folder: string, server: TestServer) {
  const command = findProgram('pgbackrest');
  if (command === undefined) {
    process.stderr.write('no pgbackrest on PATH: measured without it\n');
    return undefined;
  }
  const own = ownFolder(join(folder, 'pgbackrest'));
  const file = join(own, 'pgbackrest.conf');
  const more = ['repo1-retention-full=2', 'archive-async=y'];
  writeFileSync(file, pgBackRestSettings(own, 'bench', server, more), { mode: 0o644 });
  const args = [`--config=${file}`, stanza];
  const archive = `${command} --config=${file} ${stanza} archive-push %p`;
  await server.query('alter system set archive_mode = on');
  await server.query(`alter system set archive_command = '${archive}'`);
  await server.stop();
  await server.start();
  execFileSync(command, [...args, 'stanza-create'], quiet);
  return { command, args };
}

/** Streams while `during` goes on; returns the configuration file. */
async function protectWithLifeboat(
  folder: string,
  server: TestServer,
  bin: string,
  during: () => void,
): Promise<string> {
  const config = join(folder, 'lifeboat.yaml');
  const password = join(folder, 'password');
  const repository = join(folder, 'repository');
  writeFileSync(password, 'benchmark\n', { mode: 0o600 });
  mkdirSync(join(folder, 'state'));
  writeFileSync(
    config,
    `name: benchmark
state: ${join(folder, 'state')}
repositories: { main: { location: ${repository}, password: { file: ${password} } } }
sources: { database: { kind: postgres, connection: "${server.url()}", programs: ${bin} } }
`,
  );
  {
    const location = new LocalLocation(repository);
    await using _ = await initRepository({ location, password: new Secret('benchmark') });
  }
  const service = spawn(process.execPath, [main, 'serve', '--config', config, '--json'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = new Promise((resolve) => service.once('exit', resolve));
  await untilRecord(service, ({ type }) => type === 'backup');
  service.stdout?.resume();
  during();
  await untilFlushed(server);
  service.kill('SIGTERM');
  await ended;
  return config;
}

function ownFolder(path: string): string {
  mkdirSync(path, { mode: 0o700 });
  if (unprivileged.uid !== undefined) chownSync(path, unprivileged.uid, unprivileged.gid ?? 0);
  return path;
}
