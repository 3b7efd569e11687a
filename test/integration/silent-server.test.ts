// Goal: a server that keeps its connection open and says nothing more, as one whose disk hangs, is not waited for without end.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseConnectionUrl } from '../../src/sources/postgres/connection-url.ts';
import { connectSql } from '../../src/sources/postgres/sql-connection.ts';
import { type FaultyRelay, startFaultyRelay } from '../support/faulty-relay.ts';
import { startPostgres, type TestServer } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';

describe.each(serversUnderTest(18))('a silent $name', ({ major, bin }) => {
  let server: TestServer;
  let relay: FaultyRelay;
  beforeAll(async () => {
    if (!bin) return;
    server = await startPostgres({ bin, major });
    relay = await startFaultyRelay(server.port);
  });
  afterAll(async () => {
    relay?.[Symbol.dispose]();
    await server?.[Symbol.asyncDispose]();
  });
  beforeEach((context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    relay.mend();
  });

  const settings = (more = '') =>
    parseConnectionUrl(
      `postgres://postgres@127.0.0.1:${relay.port}/postgres?sslmode=disable&connect_timeout=2${more}`,
    );

  it('that took the login is given up after the time to connect', async () => {
    relay.breakAt('set search_path', 'hang');
    await expect(connectSql(settings())).rejects.toMatchObject({
      code: 'postgres.unreachable',
      message: expect.stringContaining('no answer within 2'),
      retryable: true,
    });
  });

  it('that does not say whether it is the primary is given up, too', async () => {
    relay.breakAt('pg_is_in_recovery', 'hang');
    await expect(connectSql(settings('&target_session_attrs=primary'))).rejects.toMatchObject({
      code: 'postgres.unreachable',
      message: expect.stringContaining('no answer within 2'),
    });
  });

  it('that took the login is given up at once by Ctrl-C', async () => {
    const user = new AbortController();
    relay.breakAt('set search_path', 'hang');
    const url = settings();
    const connecting = connectSql({ ...url, connectTimeoutMs: 600_000 }, { signal: user.signal });
    const look = setInterval(() => relay.isBroken() && user.abort(), 10);
    await expect(connecting).rejects.toMatchObject({ code: 'cancelled' });
    clearInterval(look);
  });
});
