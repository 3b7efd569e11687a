import { chmodSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Installation, installation } from '../support/installation.ts';

// Goal: one command says whether the programs that use the data run and work.

describe('services', () => {
  let place: Installation;
  let server: Server;
  let port: number;

  beforeAll(async () => {
    server = createServer((request, response) => {
      response.statusCode = request.url === '/health' ? 200 : 503;
      response.end('{"status":"ok"}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
    place = await installation({ withoutRepository: true });
    for (const [name, code] of [
      ['runs', 0],
      ['rests', 1],
    ]) {
      writeFileSync(join(place.folder, `${name}`), `#!/bin/sh\nexit ${code}\n`);
      chmodSync(join(place.folder, `${name}`), 0o755);
    }
    const shell = (isRunning: string, more: string) =>
      `{ platform: shell, start: ["true"], stop: ["true"], isRunning: ["${join(place.folder, isRunning)}"]${more} }`;
    place.configure({
      options: `services:
  worker: ${shell('rests', ', after: [api]')}
  api: ${shell('runs', `, writes: [database], health: "http://127.0.0.1:${port}/health", checks: [{ name: orders, http: "http://127.0.0.1:${port}/orders" }]`)}`,
    });
  });

  afterAll(async () => {
    server.close();
    await place?.[Symbol.asyncDispose]();
  });

  const seen = async (...args: string[]) => {
    const { exitCode, records } = await place.run('services', ...args);
    return { exitCode, services: records.filter(({ type }) => type === 'service') };
  };

  it('shows each in the order of their need', async () => {
    const { exitCode, services } = await seen();
    expect(services).toMatchObject([
      { name: 'api', status: 'running', writes: ['database'], health: { verdict: 'passed' } },
      { name: 'worker', status: 'stopped', checks: [] },
    ]);
    expect(exitCode).toBe(1);
  });

  it('is content with one that runs and is healthy, until all is asked', async () => {
    expect(await seen('api')).toMatchObject({ exitCode: 0 });
    const all = await seen('api', '--check');
    expect(all).toMatchObject({
      exitCode: 1,
      services: [{ checks: [{ check: 'orders', verdict: 'failed' }] }],
    });
  });

  it('knows no other', async () => {
    expect(await seen('nothing')).toMatchObject({ exitCode: 2 });
  });
});
