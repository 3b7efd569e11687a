import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HttpCheckSetting } from '../../../config/index.ts';
import { Secret } from '../../../core/index.ts';
import { runApplicationCheck } from './run-application-check.ts';

const surroundings = {
  environment: {},
  secret: async (_what: string, setting: object) =>
    new Secret('file' in setting ? 'from the file' : 'from elsewhere'),
};

describe('a check by HTTP', () => {
  let server: Server;
  let base: string;
  const seen: { method: string; body: string; authorization: string | undefined }[] = [];

  beforeAll(async () => {
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (part) => {
        body += part;
      });
      request.on('end', () => {
        seen.push({
          method: request.method ?? '',
          body,
          authorization: request.headers.authorization,
        });
        const path = request.url ?? '';
        if (path === '/never') return;
        if (path === '/cut') {
          response.writeHead(200, { 'content-length': '100' });
          response.write('half');
          setTimeout(() => response.destroy(), 20);
          return;
        }
        if (path === '/endless') {
          response.writeHead(200);
          const write = () => {
            while (!response.destroyed && response.write('x'.repeat(65_536)));
          };
          response.on('drain', write);
          write();
          return;
        }
        if (path === '/moved') response.writeHead(302, { location: '/login' }).end('to the login');
        else if (path === '/broken') response.writeHead(500).end('a secret stack trace');
        else if (path === '/text') response.writeHead(200).end('all is well');
        else
          response.writeHead(200).end('{"status":"ok","data":{"items":[{"id":7}]},"token":null}');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const run = (path: string, check: Partial<HttpCheckSetting> = {}) =>
    runApplicationCheck({ http: `${base}${path}`, ...check }, surroundings);

  it.each<[string, Partial<HttpCheckSetting>]>([
    ['/health', {}],
    ['/broken', { status: 500 }],
    ['/moved', { status: 302 }],
    ['/text', { contains: 'is well' }],
    ['/json', { json: { status: 'ok', 'data.items[0].id': 7 }, has: ['data.items'] }],
    ['/endless', { contains: 'xxx' }],
  ])('%s holds with %o', async (path, check) => {
    expect(await run(path, check)).toMatchObject({ verdict: 'passed' });
  });

  it.each<[string, Partial<HttpCheckSetting>, string]>([
    ['/broken', {}, 'answered 500, expected 200 to 299'],
    ['/moved', {}, 'answered 302, a redirect, expected 200 to 299'],
    ['/health', { status: 204 }, 'answered 200, expected 204'],
    ['/text', { contains: 'is lost' }, 'no "is lost" in its answer'],
    ['/text', { json: { status: 'ok' } }, 'its answer is no JSON'],
    ['/json', { json: { status: 'down' } }, 'another value at status than "down"'],
    ['/json', { json: { 'data.items[1].id': 7 } }, 'nothing at data.items[1].id in its answer'],
    ['/json', { has: ['token'] }, 'null at token in its answer'],
    ['/endless', { json: { a: 1 } }, 'its answer is longer than 4 MiB'],
    ['/cut', {}, 'the connection was cut'],
    ['/never', { within: '1s' }, 'no answer within 1.0 s'],
  ])('%s does not hold with %o', async (path, check, fact) => {
    const result = await run(path, check);
    expect(result).toMatchObject({ verdict: 'failed', fact });
  });

  it('of a bare address asks for it', async () => {
    expect(await runApplicationCheck(`${base}/health`, surroundings)).toMatchObject({
      check: `GET ${base}/health`,
      verdict: 'passed',
    });
  });

  it('sends a login whose password comes from a file, and repeats it nowhere', async () => {
    const result = await run('/login', {
      send: { email: 'a@example.com', password: { file: '/etc/x' } },
      headers: { authorization: { env: 'TOKEN' } },
      json: { status: 'other' },
    });
    expect(seen.at(-1)).toEqual({
      method: 'POST',
      body: '{"email":"a@example.com","password":"from the file"}',
      authorization: 'from elsewhere',
    });
    expect(JSON.stringify(result)).not.toContain('from');
  });

  it('says that nobody listens', async () => {
    const result = await runApplicationCheck('http://127.0.0.1:9/', surroundings);
    expect(result).toMatchObject({ verdict: 'failed', fact: 'nobody listens there' });
  });

  it('ends when it is cancelled', async () => {
    const controller = new AbortController();
    const running = runApplicationCheck(`${base}/never`, surroundings, controller.signal);
    controller.abort();
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
  });
});
