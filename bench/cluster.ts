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
      // It would change what the competitors back up, between one and the next.
      autovacuum: 'off',
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
  await server.query('vacuum analyze');
  await server.query('checkpoint');
  pgbench('-c', '4', '-j', '2', '-T', '20', '-N');
  await server.query('checkpoint');
  return server;
}

const documentBytes = 20_000;

/** A table of documents of 20 KB: every other one is text, the others do not compress, as pictures do not. */
export async function storeDocuments(server: TestServer, sizeBytes: number): Promise<void> {
  const count = Math.round(sizeBytes / documentBytes);
  await server.query(
    `create table documents (id bigint primary key, body bytea);
     alter table documents alter body set storage external`,
  );
  await server.query(
    `insert into documents select n, case when n % 2 = 0
       then convert_to((select string_agg('lorem ipsum ' || (n * g) % 99991 || md5((n * g)::text), ' dolor ') from generate_series(1, ${Math.round(documentBytes / 55)}) g), 'UTF8')
       else decode((select string_agg(md5(random()::text || n || g), '') from generate_series(1, ${Math.round(documentBytes / 16)}) g), 'hex') end
     from generate_series(1, ${count}) n`,
  );
  await server.query('checkpoint');
}

/**
 * Nothing is left to be noted in a page by whoever reads it: with page checksums that is logged, and the backups of those that
 * come later would have the more WAL to carry.
 */
export async function settlePages(server: TestServer): Promise<void> {
  await server.query('vacuum (freeze, analyze)');
  await server.query('checkpoint');
}

/** Changes a row in that part of the pages of pgbench's largest table, chosen at random; `round` chooses others each time. */
export async function changePages(server: TestServer, part: number, round: number): Promise<void> {
  const rowsPerPage = 61;
  await server.query(
    `update pgbench_accounts set abalance = abalance + 1
      where aid % ${rowsPerPage} = 0 and abs(hashint4((aid / ${rowsPerPage})::int # ${round + 1})) % 1000 < ${Math.round(part * 1000)}`,
  );
  // Whoever reads the rows first has their pages changed; that must be no competitor (ours counts rows).
  await server.query('select count(*) from pgbench_accounts');
  await server.query('checkpoint');
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
