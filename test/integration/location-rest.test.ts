import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testLocation } from '../../src/repository/location/location-contract.ts';
import { parseRestLocation } from '../../src/repository/location/rest-location.ts';
import { findProgram } from '../support/programs.ts';
import { startRestServer, type TestRestServer } from '../support/rest-server.ts';
import { need } from '../support/skip.ts';

const program = findProgram('rest-server');

it('has a rest-server to test against', (context) => {
  need(context, program, 'no rest-server on PATH');
});

if (program !== undefined) {
  for (const appendOnly of [false, true]) {
    describe(`one rest-server${appendOnly ? ' --append-only' : ''}`, () => {
      let server: TestRestServer;
      let repositories = 0;
      beforeAll(async () => {
        server = await startRestServer(program, { appendOnly });
      });
      afterAll(() => server[Symbol.asyncDispose]());
      testLocation('rest', async () => ({
        location: parseRestLocation(`rest:${server.url}/${++repositories}/`, {}),
        appendOnly,
        async [Symbol.asyncDispose]() {},
      }));
    });
  }
}

/** A server that answers every request in the same wrong way. */
async function badServer(
  status: number,
  body: string,
  headers: Record<string, string> = {},
): Promise<AsyncDisposable & { readonly url: string; readonly seen: string[] }> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.authorization ?? ''}`);
    response.writeHead(status, headers);
    response.write(body);
    if (headers['content-length'] === undefined) response.end();
    else response.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('a REST location', () => {
  const name = createHash('sha256').update('x').digest('hex');

  it('calls a server that is gone unreachable', async (context) => {
    const server = await startRestServer(need(context, program, 'no rest-server on PATH'));
    const location = parseRestLocation(`rest:${server.url}/`, {});
    await location.create();
    await server.stop();
    await expect(location.list('data')).rejects.toMatchObject({
      code: 'location.unreachable',
      retryable: true,
    });
    await server.start();
    expect(await location.list('data')).toEqual([]);
    await server[Symbol.asyncDispose]();
  });

  it('refuses bytes that do not match their name', async (context) => {
    await using server = await startRestServer(need(context, program, 'no rest-server on PATH'));
    const location = parseRestLocation(`rest:${server.url}/`, {});
    await location.create();
    await expect(location.write('data', name, Buffer.from('y'))).rejects.toMatchObject({
      retryable: true,
    });
    expect(await location.list('data')).toEqual([]);
  });

  it.each([
    [401, 'location.refused'],
    [403, 'location.refused'],
    [301, 'location.refused'],
    [500, 'location.unreachable'],
    [429, 'location.unreachable'],
    [507, 'disk.full'],
  ])('understands the answer %i', async (status, code) => {
    await using server = await badServer(status, 'no');
    const location = parseRestLocation(`rest:${server.url}`, {});
    await expect(location.read('data', name)).rejects.toMatchObject({ code });
    await expect(location.write('data', name, Buffer.from('x'))).rejects.toMatchObject({ code });
    await expect(location.remove('locks', name)).rejects.toMatchObject({ code });
  });

  it.each(['<html>', '{}', '[1]', '[{"name":5}]', '[null]'])(
    'does not take %s for a listing',
    async (body) => {
      await using server = await badServer(200, body);
      await expect(parseRestLocation(`rest:${server.url}`, {}).list('data')).rejects.toMatchObject({
        code: 'location.refused',
      });
    },
  );

  it('notices an answer that breaks off', async () => {
    await using server = await badServer(200, 'half', { 'content-length': '1000' });
    await expect(
      parseRestLocation(`rest:${server.url}`, {}).read('data', name),
    ).rejects.toMatchObject({ code: 'location.unreachable', retryable: true });
  });

  it('cuts the range out when the server sends everything', async () => {
    await using server = await badServer(200, '0123456789');
    const location = parseRestLocation(`rest:${server.url}`, {});
    const part = await location.read('data', name, { offset: 3, length: 4 });
    expect(Buffer.from(part).toString()).toBe('3456');
    await expect(location.read('data', name, { offset: 8, length: 4 })).rejects.toMatchObject({
      code: 'repository.damaged',
    });
  });

  it('sends its credentials and never shows them', async () => {
    await using server = await badServer(401, 'no');
    const password = randomBytes(9).toString('hex');
    const address = server.url.replace('//', `//someone:${password}@`);
    const location = parseRestLocation(`rest:${address}`, {});
    const failure = await location.read('data', name).catch((error: unknown) => error);
    const sent = Buffer.from(`someone:${password}`).toString('base64');
    expect(server.seen).toEqual([`GET /data/${name} Basic ${sent}`]);
    expect(String(failure) + location.describe()).not.toContain(password);
  });

  it('takes credentials from the environment as restic does', async () => {
    await using server = await badServer(401, 'no');
    const environment = { RESTIC_REST_USERNAME: 'someone', RESTIC_REST_PASSWORD: 'other' };
    await parseRestLocation(`rest:${server.url}`, environment)
      .list('data')
      .catch(() => {});
    expect(server.seen[0]).toContain(Buffer.from('someone:other').toString('base64'));
  });
});
