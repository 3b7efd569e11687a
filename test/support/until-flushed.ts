import type { TestServer } from './postgres.ts';

/** Resolves when a streamer has reported everything that is committed now as flushed. */
export async function untilFlushed(server: TestServer): Promise<void> {
  const { rows } = await server.query('select pg_current_wal_flush_lsn()::text as lsn');
  const reached = `select 1 from pg_stat_replication where flush_lsn >= '${rows[0].lsn}'`;
  while (!(await server.query(reached)).rowCount) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
