import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { HttpClient } from './http-client.ts';

let server: Server | undefined;
let connections = 0;

afterEach(async () => {
  vi.useRealTimers();
  server?.closeAllConnections();
  await new Promise((resolve) => server?.close(resolve));
});

async function serve(listener: RequestListener): Promise<URL> {
  connections = 0;
  server = createServer(listener);
  server.on('connection', () => connections++);
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
}

const headers = {};

it('uses a connection again, and makes a new one when the server has closed it', async () => {
  const url = await serve((request, response) => {
    request.resume().once('end', () => response.end('answer'));
  });
  const client = new HttpClient();
  for (let i = 0; i < 3; i++) {
    const { body } = await client.request({ method: 'GET', url, headers });
    expect(Buffer.from(body).toString()).toBe('answer');
  }
  expect(connections).toBe(1);
  server?.closeAllConnections();
  expect((await client.request({ method: 'GET', url, headers })).status).toBe(200);
  expect(connections).toBe(2);
  await client.close();
});

it('sends a body in its parts, and takes an answer that comes before all of it was sent', async () => {
  const received: Buffer[] = [];
  const url = await serve((request, response) => {
    if (request.url === '/refused') return void response.writeHead(403).end('no');
    request.on('data', (part: Buffer) => received.push(part));
    request.once('end', () => response.end());
  });
  const client = new HttpClient();
  const body = [
    Buffer.from('head'),
    Buffer.alloc(700_000, 'x'),
    new Uint8Array(),
    Buffer.from('end'),
  ];
  await client.request({ method: 'POST', url, headers, body });
  expect(Buffer.compare(Buffer.concat(received), Buffer.concat(body))).toBe(0);
  const large = [Buffer.alloc(50_000_000)];
  const refused = new URL('/refused', url);
  const answer = await client.request({ method: 'POST', url: refused, headers, body: large });
  expect(answer.status).toBe(403);
  await client.close();
});

it('takes a server that says and reads nothing for gone, after a minute', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const heard = Promise.withResolvers<void>();
  const url = await serve((request) => {
    request.pause();
    heard.resolve();
  });
  const client = new HttpClient();
  const body = [Buffer.alloc(50_000_000)];
  let failure: unknown;
  const sending = client.request({ method: 'POST', url, headers, body }).catch((error: unknown) => {
    failure = error;
  });
  await heard.promise;
  // What fits into the buffers of the sockets is sent, and counts as a sign of life.
  await new Promise((resolve) => setImmediate(resolve));
  vi.advanceTimersByTime(59_000);
  await new Promise((resolve) => setImmediate(resolve));
  expect(failure).toBe(undefined);
  vi.advanceTimersByTime(60_000);
  await sending;
  expect(failure).toMatchObject({
    code: 'location.unreachable',
    message: expect.stringContaining('it fell silent'),
  });
  await client.close();
});
