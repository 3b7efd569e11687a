import { createServer, type Server, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { isLifeboatError, Secret } from '../../../core/index.ts';
import type { ConnectionSettings } from '../connection-settings.ts';
import { connectReplication } from './connect-replication.ts';

let server: Server | undefined;
const sockets = new Set<Socket>();

afterEach(() => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  server?.close();
});

/** Something that is no PostgreSQL server: answers every packet with the next of `answers`, and hangs up after the last. */
async function listen(answers: readonly Uint8Array[]): Promise<ConnectionSettings> {
  const listening = createServer((socket) => {
    sockets.add(socket);
    let turn = 0;
    socket.on('error', () => {});
    socket.on('data', () => {
      const answer = answers[turn];
      turn += 1;
      if (answer) socket.write(answer);
      if (turn >= answers.length) socket.end();
    });
  });
  server?.close();
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const address = listening.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    host: '127.0.0.1',
    port,
    user: 'x',
    database: 'x',
    sslmode: 'disable',
    password: new Secret('secret'),
  };
}

function message(type: string, ...parts: (Buffer | string)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part as string)));
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(type), length, body]);
}

const int32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const code = async (answers: readonly Uint8Array[]) => {
  const settings = await listen(answers);
  const error = await connectReplication(settings).catch((each: unknown) => each);
  expect(JSON.stringify(error)).not.toContain('secret');
  return isLifeboatError(error) ? error.code : error;
};

describe('a hostile server', () => {
  it('that speaks something else is postgres.protocol', async () => {
    expect(await code([Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')])).toBe('postgres.protocol');
    expect(await code([message('R')])).toBe('postgres.protocol');
    expect(await code([message('Z', 'I')])).toBe('postgres.protocol');
    expect(await code([message('D', Buffer.from([0, 9]))])).toBe('postgres.protocol');
  });

  it('that hangs up is postgres.connection-lost', async () => {
    expect(await code([])).toBe('postgres.connection-lost');
    expect(await code([message('R', int32(0))])).toBe('postgres.connection-lost');
  });

  it('that skips its own proof is not believed', async () => {
    const sasl = message('R', int32(10), 'SCRAM-SHA-256\0\0');
    expect(await code([sasl, message('R', int32(0))])).toBe('postgres.protocol');
    expect(await code([sasl, message('R', int32(12), 'v=AAAA')])).toBe('postgres.protocol');
    expect(await code([sasl, message('R', int32(11), 'r=x,s=AAAA,i=1')])).toBe('postgres.protocol');
    expect(await code([message('R', int32(10), 'UNKNOWN\0\0')])).toBe('postgres.refused');
    expect(await code([message('R', int32(7))])).toBe('postgres.refused');
  });

  it('that gives more than one byte for TLS is not believed', async () => {
    const settings = await listen([Buffer.from('Smuggled')]);
    await expect(connectReplication({ ...settings, sslmode: 'require' })).rejects.toMatchObject({
      code: 'postgres.protocol',
    });
  });

  it('that sends garbage leads to an error of ours', async () => {
    const known = ['postgres.protocol', 'postgres.connection-lost', 'postgres.refused'];
    const login = Buffer.concat([message('R', int32(0)), message('Z', 'I')]);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.boolean(), async (noise, ready) => {
        const answer = ready ? Buffer.concat([login, noise]) : noise;
        expect(known).toContain(await code([answer]));
      }),
      { numRuns: 60 },
    );
  });
});
