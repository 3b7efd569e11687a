// Needs a whole PostgreSQL 18 (server, pgbench, pg_basebackup, pg_waldump): LIFEBOAT_TEST_PG_18=BIN_FOLDER.
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatBytes, Secret } from '../src/core/index.ts';
import { initRepository, LocalLocation } from '../src/repository/index.ts';
import { temporaryFolder } from '../test/support/postgres.ts';
import { postgresBin } from '../test/support/programs.ts';
import { databaseBytes, pgbenchCluster, wholeSegments } from './cluster.ts';
import { type Comparison, compare } from './measure.ts';
import { render } from './report.ts';

const main = join(import.meta.dirname, '../src/cli/main.ts');

/** Base backup, restore and WAL scan beside PostgreSQL's own tools; resolves with Markdown tables. */
export async function benchPostgres(options: {
  readonly runs: number;
  readonly bytes: number;
}): Promise<string> {
  const { runs, bytes } = options;
  const bin = postgresBin(18);
  if (!bin) throw new Error('no PostgreSQL 18: set LIFEBOAT_TEST_PG_18 to its bin folder');

  const folder = temporaryFolder('bench');
  // The restored server runs as another account when this is root.
  chmodSync(folder, 0o755);
  const comparisons: Comparison[] = [];
  try {
    process.stderr.write('making the cluster\n');
    await using server = await pgbenchCluster(bin, bytes);
    const size = await databaseBytes(server);
    const segments = await wholeSegments(server);

    const password = join(folder, 'password');
    const repository = join(folder, 'repository');
    const config = join(folder, 'lifeboat.yaml');
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
    const plain = join(folder, 'plain');
    const tar = join(folder, 'tar');
    const restored = join(folder, 'restored');
    const fresh = (path: string) => () => rmSync(path, { recursive: true, force: true });
    const peer = ['-h', '127.0.0.1', '-p', String(server.port), '-U', 'postgres', '-c', 'fast'];

    comparisons.push(
      await compare(
        `first base backup of ${formatBytes(size)}`,
        [
          {
            name: 'pg_basebackup, plain',
            command: join(bin, 'pg_basebackup'),
            args: [...peer, '-D', plain],
            prepare: fresh(plain),
          },
          {
            name: 'pg_basebackup, tar, zstd level 1',
            command: join(bin, 'pg_basebackup'),
            args: [...peer, '-D', tar, '-Ft', '--compress=client-zstd:1'],
            prepare: fresh(tar),
          },
          {
            name: 'lifeboat backup',
            command: process.execPath,
            args: [main, 'backup', 'database', '--config', config],
            prepare: async () => {
              fresh(repository)();
              const location = new LocalLocation(repository);
              await using _ = await initRepository({ location, password: new Secret('benchmark') });
            },
          },
        ],
        runs,
      ),
      await compare(
        'restore of that backup to a folder PostgreSQL starts from',
        [
          {
            name: 'cp -a of the plain backup',
            command: 'cp',
            args: ['-a', plain, restored],
            prepare: fresh(restored),
          },
          {
            name: 'tar with zstd',
            command: 'tar',
            args: ['--zstd', '-xf', join(tar, 'base.tar.zst'), '-C', restored],
            prepare: () => {
              fresh(restored)();
              mkdirSync(restored);
            },
          },
          {
            name: 'lifeboat restore (with recovery and shutdown)',
            command: process.execPath,
            args: [main, 'restore', 'database', '--config', config, '--to', restored],
            prepare: fresh(restored),
          },
        ],
        runs,
      ),
      await compare(
        `scan of ${formatBytes(segments.length * 16 * 2 ** 20)} of WAL`,
        [
          {
            name: 'pg_waldump --stats',
            command: join(bin, 'pg_waldump'),
            args: [
              '--stats',
              '-p',
              join(server.dataFolder, 'pg_wal'),
              segments[0] as string,
              segments.at(-1) as string,
            ],
          },
          {
            name: 'lifeboat, reader alone',
            command: process.execPath,
            args: [
              join(import.meta.dirname, 'scan-wal.ts'),
              join(server.dataFolder, 'pg_wal'),
              segments[0] as string,
              String(segments.length),
            ],
          },
        ],
        runs,
      ),
      await compare(
        'start',
        [
          { name: 'restic version', command: 'restic', args: ['version'] },
          { name: 'lifeboat --help', command: process.execPath, args: [main, '--help'] },
        ],
        5,
      ),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return render(comparisons);
}
