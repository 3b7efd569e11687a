import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { startPostgres, type TestServer } from '../test/support/postgres.ts';

/** pgbench accounts take about 15 MB per unit of scale, twice that once every row has been updated. */
const bytesPerScale = 27e6;

/**
 * A pgbench cluster of about `sizeBytes` whose rows have all been updated to text that does not compress to nothing: a
 * fresh pgbench database compresses 36:1 and measures nothing.
 */
export async function pgbenchCluster(bin: string, sizeBytes: number): Promise<TestServer> {
  const server = await startPostgres({
    bin,
    major: 18,
    settings: {
      shared_buffers: '512MB',
      max_wal_size: '8GB',
      wal_keep_size: '8GB',
      synchronous_commit: 'off',
    },
  });
  const connection = ['-h', '127.0.0.1', '-p', String(server.port), '-U', 'postgres', 'postgres'];
  const scale = Math.max(1, Math.round(sizeBytes / bytesPerScale));
  const pgbench = (...args: string[]) =>
    execFileSync(join(bin, 'pgbench'), [...args, ...connection], { stdio: 'pipe' });
  pgbench('-i', '-q', '-s', String(scale));
  await server.query(
    'update pgbench_accounts set filler = substr(md5(aid::text) || md5((aid * 7)::text) || md5((aid % 1000)::text), 1, 84)',
  );
  await server.query('checkpoint');
  pgbench('-c', '4', '-j', '2', '-T', '20', '-N');
  await server.query('checkpoint');
  return server;
}

/** The whole segments of the server, oldest first; the newest, which is being written, is left out. */
export async function wholeSegments(server: TestServer): Promise<readonly string[]> {
  const { rows } = await server.query('select pg_walfile_name(pg_current_wal_lsn()) as name');
  const newest = rows[0].name as string;
  return readdirSync(join(server.dataFolder, 'pg_wal'))
    .filter((name) => /^[0-9A-F]{24}$/.test(name) && name < newest)
    .sort();
}

export async function databaseBytes(server: TestServer): Promise<number> {
  const { rows } = await server.query(
    'select sum(pg_database_size(oid))::text as bytes from pg_database',
  );
  return Number(rows[0].bytes);
}
