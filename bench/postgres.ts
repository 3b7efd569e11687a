// Needs a whole PostgreSQL 18 (server, pgbench, pg_basebackup, pg_waldump): LIFEBOAT_TEST_PG_18=BIN_FOLDER; and `pgbackrest` on PATH.
import { join } from 'node:path';
import { formatBytes } from '../src/core/index.ts';
import { postgresBin } from '../test/support/programs.ts';
import { pgbenchCluster, storeDocuments, wholeSegments } from './cluster.ts';
import { compare } from './measure.ts';
import { benchPostgresBackups } from './postgres-backups.ts';
import { render } from './report.ts';

const main = join(import.meta.dirname, '../src/cli/main.ts');

/** Base backups, restores and a WAL scan beside pgBackRest and PostgreSQL's own tools; resolves with Markdown tables. */
export async function benchPostgres(options: {
  readonly runs: number;
  /** Of pgbench's tables. */
  readonly bytes: number;
  readonly documentBytes: number;
}): Promise<string> {
  const { runs, bytes, documentBytes } = options;
  const bin = postgresBin(18);
  if (!bin) throw new Error('no PostgreSQL 18: set LIFEBOAT_TEST_PG_18 to its bin folder');

  process.stderr.write('making the cluster\n');
  await using server = await pgbenchCluster(bin, bytes);
  await storeDocuments(server, documentBytes);
  // Before the backups change tables: pages they log would weigh more than what pgbench does.
  const segments = await wholeSegments(server);
  const scan = await compare(
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
  );
  const start = await compare(
    'start',
    [
      { name: 'restic version', command: 'restic', args: ['version'] },
      { name: 'lifeboat --help', command: process.execPath, args: [main, '--help'] },
    ],
    5,
  );
  return [await benchPostgresBackups(server, runs), render([scan, start])].join('\n\n');
}
