import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Secret } from '../../src/core/index.ts';
import { runApplicationCheck, waitUntilHealthy } from '../../src/recovery/index.ts';
import { freePort, startPostgres, type TestServer } from '../support/postgres.ts';
import { findProgram } from '../support/programs.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';

// Goal: what users of a service need is tried against the real thing, changes nothing, and gives no value or password away.

const surroundings = { environment: process.env, secret: async () => new Secret('a word of test') };

describe('a check by Redis', () => {
  const program = findProgram('redis-server');
  let folder: string;
  let port: number;
  let server: ChildProcess;

  beforeEach((context) => void need(context, program, 'no redis-server on PATH'));

  beforeAll(async () => {
    if (!program) return;
    folder = mkdtempSync(join(tmpdir(), 'lifeboat-test-redis-'));
    port = await freePort();
    const words = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
    server = spawn(program, [...words, '--requirepass', 'a word of test'], { stdio: 'ignore' });
    await waitUntilHealthy({
      check: { redis: `redis://127.0.0.1:${port}/0`, password: { file: '/secret' } },
      surroundings,
      timeoutMs: 30_000,
    });
  });

  afterAll(() => {
    server?.kill('SIGKILL');
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const check = (url = `redis://127.0.0.1:${port}/0`, withPassword = true) =>
    runApplicationCheck(
      { redis: url, ...(withPassword ? { password: { file: '/secret' } } : {}) },
      surroundings,
    );

  it('sets, reads and removes a key of its own', async () => {
    expect(await check()).toMatchObject({ verdict: 'passed', fact: 'set, read and removed a key' });
  });

  it('fails without the password, and where nobody listens', async () => {
    const refused = await check(undefined, false);
    expect(refused.verdict).toBe('failed');
    expect(refused.fact).toContain('NOAUTH');
    const nobody = await check('redis://127.0.0.1:9/0');
    expect(nobody).toMatchObject({ verdict: 'failed' });
  });

  it('does not name the password of a URL', async () => {
    const { check: name } = await check('redis://user:hidden@127.0.0.1:9/0', false);
    expect(name).toBe('redis://127.0.0.1:9/0');
  });
});

describe.each(serversUnderTest(18))('a check by SQL on $name', ({ major, bin }) => {
  let server: TestServer;

  beforeEach((context) => void need(context, bin, `no PostgreSQL ${major}`));

  beforeAll(async () => {
    if (!bin) return;
    server = await startPostgres({ bin, major });
    await server.query('create table users as select generate_series(1, 321) as id');
  });

  afterAll(async () => server?.[Symbol.asyncDispose]());

  const check = (sql: string, rules: { equals?: number; atLeast?: number } = {}) =>
    runApplicationCheck({ sql, connection: server.url(), ...rules }, surroundings);

  it('holds when the value is right', async () => {
    expect(await check('select count(*) from users', { atLeast: 300 })).toMatchObject({
      verdict: 'passed',
    });
    expect(await check('select count(*) from users', { equals: 321 })).toMatchObject({
      verdict: 'passed',
    });
  });

  it.each([
    ['select count(*) from users', { atLeast: 400 }, 'less than 400'],
    ['select 321 where false', {}, 'the query gave no row'],
    ['select null::int', { atLeast: 0 }, 'the query gave no number'],
    ['select count(*) from userz', {}, 'the server answered: relation "userz" does not exist'],
    [
      'delete from users',
      {},
      'the server answered: cannot execute DELETE in a read-only transaction',
    ],
    ['commit; delete from users', {}, 'the server answered: cannot insert multiple commands'],
  ])('%s with %o does not', async (sql, rules, fact) => {
    const result = await check(sql, rules);
    expect(result.verdict).toBe('failed');
    expect(result.fact).toContain(fact);
    expect((await server.query('select count(*)::int as n from users')).rows).toEqual([{ n: 321 }]);
  });

  it('gives up in time', async () => {
    const result = await runApplicationCheck(
      { sql: 'select pg_sleep(60)', connection: server.url(), within: '1s' },
      surroundings,
    );
    expect(result).toMatchObject({ verdict: 'failed', fact: 'no answer within 1.0 s' });
  });
});
