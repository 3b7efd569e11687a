import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Secret } from '../../src/core/index.ts';
import { type TestService, testService } from '../../src/recovery/index.ts';
import { freePort } from '../support/postgres.ts';

// Goal: a service is tried on restored data, on a port of its own, and ended again, whatever happens to the test.

const program = `
import { createServer } from 'node:http';
import { appendFileSync } from 'node:fs';
const { LIFEBOAT_TEST_PORT: port, LIFEBOAT_DATABASE: database, LOG: log } = process.env;
appendFileSync(log, 'INFO started\\n');
setTimeout(() => createServer((request, response) => {
  appendFileSync(log, 'ERROR request 12 took long\\n');
  response.end(JSON.stringify({ database }));
}).listen(port, '127.0.0.1'), 700);
`;

describe('a service in test mode', () => {
  let folder: string;
  let port: number;
  const at = (name: string) => join(folder, name);

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lifeboat-test-mode-'));
    port = await freePort();
    writeFileSync(at('service.mjs'), program);
    script('start', `"${process.execPath}" service.mjs & echo $! > pid`);
    script('stop', 'test ! -e pid || kill "$(cat pid)"; rm -f pid; date >> stopped');
    script('output', 'cat log');
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function script(name: string, text: string): void {
    writeFileSync(at(name), `#!/bin/sh\ncd "${folder}"\n${text}\n`);
    chmodSync(at(name), 0o755);
  }

  function test(
    changed: Partial<TestService> = {},
    checks?: TestService['service']['test']['checks'],
  ) {
    return testService({
      service: {
        name: 'api',
        platform: 'shell',
        stop: ['true'],
        start: ['true'],
        isRunning: ['true'],
        startWithin: '20s',
        test: {
          start: [at('start')],
          stop: [at('stop')],
          output: [at('output')],
          port,
          checks: checks ?? [{ http: `http://127.0.0.1:${port}/`, json: { database: 'restored' } }],
        },
      },
      place: { host: '127.0.0.1', port: 5433, database: 'restored' },
      surroundings: {
        environment: { ...process.env, LOG: at('log') },
        secret: async () => new Secret('none'),
      },
      ...changed,
    });
  }

  it('is started with where the data is, asked, read and ended', async () => {
    const tested = await test();
    expect(tested.results.map(({ check, verdict }) => [check, verdict])).toEqual([
      ['start', 'passed'],
      [`GET http://127.0.0.1:${port}/`, 'passed'],
      ['stop', 'passed'],
    ]);
    expect(tested).toMatchObject({ service: 'api', holds: true });
    expect(tested.errors).toMatchObject([{ example: 'ERROR request 12 took long', count: 1 }]);
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
  });

  it('does not hold when it does not start, and is ended all the same', async () => {
    script('start', 'echo "no such table: users" >&2; exit 3');
    const tested = await test();
    expect(tested.holds).toBe(false);
    expect(tested.results[0]).toMatchObject({
      check: 'start',
      verdict: 'failed',
      fact: `${at('start')} ended with 3: no such table: users`,
    });
    expect(existsSync(at('stopped'))).toBe(true);
  });

  it('says so when it cannot be ended', async () => {
    script('stop', 'kill "$(cat pid)"; exit 4');
    const tested = await test();
    expect(tested.holds).toBe(false);
    expect(tested.results.at(-1)).toMatchObject({ check: 'stop', verdict: 'failed' });
  });

  it('is ended when the test is cancelled', async () => {
    const controller = new AbortController();
    const running = test({
      signal: controller.signal,
      progress: () => controller.abort(),
    });
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
    expect(readFileSync(at('stopped'), 'utf8')).not.toBe('');
  });

  it('is not tried where something else would answer in its place', async () => {
    const other = createServer().listen(port, '127.0.0.1');
    try {
      await expect(test()).rejects.toMatchObject({ code: 'usage.invalid' });
    } finally {
      other.close();
    }
  });

  it('that a killed test left running is ended first', async () => {
    spawn(at('start'), { env: { ...process.env, LOG: at('log'), LIFEBOAT_TEST_PORT: `${port}` } });
    await expect
      .poll(
        () =>
          fetch(`http://127.0.0.1:${port}/`).then(
            () => true,
            () => false,
          ),
        { timeout: 20_000 },
      )
      .toBe(true);
    expect(await test()).toMatchObject({ holds: true });
  });
});
