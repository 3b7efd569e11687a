import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { afterEach, expect, it } from 'vitest';
import { WorkerPool } from '../data-plane/worker-pool.ts';
import { MemoryLocation } from '../location/memory-location.ts';
import { bytesAt, randomKey } from './log-contract.ts';
import { NestedCodec } from './nested-codec.ts';
import { noPrevious } from './nested-header.ts';
import { openLogs } from './open-logs.ts';

const stream = '00000001';
const key = randomKey();
const header = { kind: 'segment' as const, level: 0, log: 'database', part: stream, position: 0n };
const place = { ...header, previous: noPrevious };
const largeBytes = 1024 * 1024;

let pool = new WorkerPool(key);
afterEach(async () => {
  await pool[Symbol.asyncDispose]();
  pool = new WorkerPool(key);
});

it('stores the same in worker threads and without', async () => {
  const large = randomBytes(largeBytes);
  const before = Buffer.from(large);
  const codecs = [new NestedCodec(key, pool), new NestedCodec(key)];
  for (const codec of codecs) {
    const sealed = await codec.seal('data', place, large);
    for (const other of codecs) {
      const opened = await other.open('data', sealed.name, new Uint8Array(sealed.bytes));
      expect(opened.header).toEqual({ ...place, lengthBytes: largeBytes });
      expect(opened.content).toBe(sealed.content);
      expect(Buffer.compare(opened.payload, before)).toBe(0);
    }
  }
  expect(Buffer.compare(large, before)).toBe(0);
  expect(pool.workers().length).toBeGreaterThan(0);
});

it('starts no thread for small files, but for what unpacks to much', async () => {
  const codec = new NestedCodec(key, pool);
  const small = await codec.seal('locks', place, randomBytes(1000));
  await codec.open('locks', small.name, small.bytes);
  expect(pool.workers()).toHaveLength(0);
  const zeros = await new NestedCodec(key).seal('data', place, new Uint8Array(largeBytes));
  expect(zeros.bytes.length).toBeLessThan(10_000);
  await codec.open('data', zeros.name, zeros.bytes, largeBytes);
  expect(pool.workers()).toHaveLength(1);
});

it('finds the same damage in worker threads and without', async () => {
  const { name, bytes } = await new NestedCodec(key).seal('data', place, randomBytes(largeBytes));
  const changed = new Uint8Array(bytes);
  changed[5000]! ^= 1;
  const failures = [new NestedCodec(key, pool), new NestedCodec(key)].map((codec) =>
    codec.open('data', name, new Uint8Array(changed)).then(
      () => undefined,
      ({ code, message, hint, context }) => ({ code, message, hint, context }),
    ),
  );
  const [there, here] = await Promise.all(failures);
  expect(here).toMatchObject({ code: 'repository.damaged', context: { file: expect.any(String) } });
  expect(there).toEqual(here);
});

it('ends with its pool: what is under way and what comes later is cancelled', async () => {
  const codec = new NestedCodec(key, pool);
  const under = codec.seal('data', place, randomBytes(largeBytes));
  const cancelled = expect(under).rejects.toMatchObject({ code: 'cancelled' });
  await pool[Symbol.asyncDispose]();
  await cancelled;
  await expect(codec.seal('data', place, randomBytes(largeBytes))).rejects.toMatchObject({
    code: 'cancelled',
  });
});

it('gives a reader bytes of its own', async () => {
  const log = openLogs(new MemoryLocation(), key, pool).log('database');
  const end = BigInt(largeBytes);
  const offered = bytesAt(0n, largeBytes);
  await log.appendPiece(stream, 0n, bytesAt(0n, 10));
  await log.appendSegment(stream, 0n, offered);
  // The caller may use its buffer again.
  offered.fill(1);
  for (const [from, to] of [
    [0n, end],
    [7n, 20n],
    [0n, end],
    [0n, end],
    [7n, 20n],
  ] as const) {
    const read = await log.read(stream, from, to);
    expect(Buffer.compare(read, bytesAt(from, Number(to - from)))).toBe(0);
    read.fill(0);
  }
  expect(offered.every((byte) => byte === 1)).toBe(true);
});

it('reads into the memory that a reader gives, whatever its length', async () => {
  const log = openLogs(new MemoryLocation(), key, pool).log('database');
  await log.appendSegment(stream, 0n, bytesAt(0n, largeBytes));
  for (const roomBytes of [largeBytes, 10, largeBytes + 1]) {
    const room = new Uint8Array(roomBytes).fill(1);
    const read = await log.read(stream, 0n, BigInt(largeBytes), undefined, room);
    expect(room.buffer.detached).toBe(true);
    expect(Buffer.compare(read, bytesAt(0n, largeBytes))).toBe(0);
  }
});

it('keeps no process alive', { timeout: 90_000 }, () => {
  const script = `
    const [{ WorkerPool }, { MemoryLocation }, { openLogs }] = await Promise.all(
      ['data-plane/worker-pool', 'location/memory-location', 'log/open-logs'].map(
        (name) => import('${new URL('..', import.meta.url)}' + name + '.ts'),
      ),
    );
    const key = { encrypt: new Uint8Array(32), macK: new Uint8Array(16), macR: new Uint8Array(16) };
    const log = openLogs(new MemoryLocation(), key, new WorkerPool(key)).log('database');
    await log.appendSegment('1', 0n, new Uint8Array(${largeBytes}));
    process.stdout.write(String((await log.read('1', 0n, ${largeBytes}n)).length));
  `;
  const args = ['--input-type=module', '--eval', script];
  const options = { encoding: 'utf8', timeout: 60_000 } as const;
  const { status, stdout } = spawnSync(process.execPath, args, options);
  expect({ status, stdout }).toEqual({ status: 0, stdout: String(largeBytes) });
});
