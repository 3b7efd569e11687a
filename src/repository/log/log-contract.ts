import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EnvelopeKey } from '../crypto/envelope.ts';
import type { LocationUnderTest } from '../location/location-contract.ts';
import type { Log } from './log.ts';
import { openLogs } from './open-logs.ts';

export function randomKey(): EnvelopeKey {
  return { encrypt: randomBytes(32), macK: randomBytes(16), macR: randomBytes(16) };
}

const stream = '00000001';
const size = 4096;

/** The same bytes for the same place, so that several writers agree. */
export function bytesAt(start: bigint, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) {
    const position = Number(start) + at;
    bytes[at] = (position ^ (position >> 8) ^ (position >> 16)) & 0xff;
  }
  return bytes;
}

/** The suite for logs, run on every location. */
export function testLog(name: string, factory: () => Promise<LocationUnderTest>): void {
  describe(`log: ${name}`, () => {
    const key = randomKey();
    let subject: LocationUnderTest;
    let log: Log;
    const reopened = () => openLogs(subject.location, key).log('database');
    const append = (to: Log, from: number, until: number) =>
      (async () => {
        for (let at = from; at < until; at++) {
          const start = BigInt(at * size);
          await to.appendSegment(stream, start, bytesAt(start, size));
        }
      })();

    beforeEach(async () => {
      subject = await factory();
      await subject.location.create();
      log = reopened();
    });
    afterEach(() => subject[Symbol.asyncDispose]());

    it('is empty where there is nothing', async () => {
      expect(await log.coverage()).toEqual([]);
      expect(await log.fileNames()).toEqual([]);
      expect(await log.readFile('x')).toBeUndefined();
      await expect(log.read(stream, 0n, 1n)).rejects.toMatchObject({ code: 'log.gap' });
      expect(await log.read(stream, 5n, 5n)).toHaveLength(0);
    });

    it('gives back what was appended, to others too', async () => {
      await append(log, 0, 3);
      for (const each of [log, reopened()]) {
        const end = BigInt(3 * size);
        expect(await each.coverage()).toEqual([{ stream, start: 0n, end }]);
        expect(await each.read(stream, 10n, end - 7n)).toEqual(bytesAt(10n, 3 * size - 17));
      }
    });

    it('joins pieces and segments, and drops pieces once their segment is whole', async () => {
      await append(log, 0, 1);
      const start = BigInt(size);
      for (const at of [0, 100, 250]) {
        await log.appendPiece(stream, start + BigInt(at), bytesAt(start + BigInt(at), 150));
      }
      const end = start + 400n;
      expect(await reopened().coverage()).toEqual([{ stream, start: 0n, end }]);
      expect(await reopened().read(stream, 50n, end)).toEqual(bytesAt(50n, size + 350));
      const locks = await subject.location.nested('lifeboat').list('locks');
      expect(locks).toHaveLength(4);
      await append(log, 1, 2);
      expect(await subject.location.nested('lifeboat').list('locks')).toHaveLength(2);
      const reader = reopened();
      expect(await reader.read(stream, 0n, 2n * start)).toEqual(bytesAt(0n, 2 * size));
    });

    it('serves a reader whose pieces were dropped meanwhile', async () => {
      await log.appendPiece(stream, 0n, bytesAt(0n, 100));
      const reader = reopened();
      expect(await reader.coverage()).toEqual([{ stream, start: 0n, end: 100n }]);
      const other = reopened();
      await other.coverage();
      await append(log, 0, 1);
      // The cache of `other` may hold the piece; a second log of the same name holds nothing.
      expect(await other.read(stream, 0n, 200n)).toEqual(bytesAt(0n, 200));
      expect(await reader.read(stream, 0n, BigInt(size))).toEqual(bytesAt(0n, size));
    });

    it('names the first missing position', async () => {
      await append(log, 0, 2);
      await append(log, 3, 4);
      const end = BigInt(4 * size);
      await expect(log.read(stream, 0n, end)).rejects.toMatchObject({
        code: 'log.gap',
        context: { position: String(2 * size) },
      });
      expect(await log.coverage()).toHaveLength(2);
      await expect(log.read('00000002', 0n, 1n)).rejects.toMatchObject({ code: 'log.gap' });
    });

    it('takes the same bytes again and refuses others', async () => {
      await append(log, 0, 2);
      await append(reopened(), 0, 2);
      expect(await subject.location.nested('lifeboat').list('data')).toHaveLength(2);
      const other = bytesAt(1n, size);
      for (const each of [log, reopened()]) {
        const expected = { code: 'log.conflict' };
        await expect(each.appendSegment(stream, 0n, other)).rejects.toMatchObject(expected);
        await expect(each.appendSegment(stream, 8n, bytesAt(0n, size))).rejects.toMatchObject(
          expected,
        );
        await expect(each.appendPiece(stream, 9n, bytesAt(8n, 5))).rejects.toMatchObject(expected);
        await each.appendPiece(stream, 9n, bytesAt(9n, 5));
      }
      await log.appendPiece(stream, BigInt(2 * size), bytesAt(BigInt(2 * size), 50));
      await expect(
        log.appendSegment(stream, BigInt(2 * size), bytesAt(0n, size).reverse()),
      ).rejects.toMatchObject({ code: 'log.conflict' });
      expect(await log.read(stream, 0n, BigInt(2 * size))).toEqual(bytesAt(0n, 2 * size));
    });

    it('keeps named files', async () => {
      const bytes = Buffer.from('1\t0/3000000\tno recovery target specified\n');
      await log.appendFile('00000002.history', bytes);
      await log.appendFile('00000002.history', bytes);
      await log.appendFile('empty', new Uint8Array());
      await expect(log.appendFile('empty', bytes)).rejects.toMatchObject({ code: 'log.conflict' });
      const reader = reopened();
      expect(await reader.fileNames()).toEqual(['00000002.history', 'empty']);
      expect(await reader.readFile('00000002.history')).toEqual(new Uint8Array(bytes));
      expect(await reader.readFile('empty')).toEqual(new Uint8Array());
    });

    it('keeps logs and streams apart', async () => {
      const logs = openLogs(subject.location, key);
      const other = logs.log('other');
      await append(log, 0, 1);
      await other.appendPiece(stream, 0n, Buffer.from('other'));
      await other.appendSegment('00000002', 0n, Buffer.from('stream 2'));
      await other.appendFile('f', Buffer.from('file'));
      expect(await log.coverage()).toEqual([{ stream, start: 0n, end: BigInt(size) }]);
      expect(await log.fileNames()).toEqual([]);
      expect(await openLogs(subject.location, key).log('other').coverage()).toEqual([
        { stream, start: 0n, end: 5n },
        { stream: '00000002', start: 0n, end: 8n },
      ]);
    });

    it('consolidates its manifests', async () => {
      const reader = reopened();
      await reader.coverage();
      await append(log, 0, 130);
      const area = subject.location.nested('lifeboat');
      expect(await area.list('locks')).toHaveLength(2);
      expect(await area.list('index')).toHaveLength(subject.appendOnly ? 2 : 1);
      const end = BigInt(130 * size);
      for (const each of [log, reader, reopened()]) {
        expect(await each.coverage()).toEqual([{ stream, start: 0n, end }]);
      }
      expect(await reopened().read(stream, 0n, end)).toEqual(bytesAt(0n, 130 * size));
    });

    it('merges the many pieces of a segment that fills slowly', async () => {
      for (let at = 0; at < 100; at++) {
        await log.appendPiece(stream, BigInt(at * 10), bytesAt(BigInt(at * 10), 10));
      }
      const locks = await subject.location.nested('lifeboat').list('locks');
      expect(locks.length).toBeLessThan(10);
      expect(await reopened().coverage()).toEqual([{ stream, start: 0n, end: 1000n }]);
      expect(await reopened().read(stream, 0n, 1000n)).toEqual(bytesAt(0n, 1000));
      await append(log, 0, 1);
      expect(await subject.location.nested('lifeboat').list('locks')).toHaveLength(1);
    });

    it('stands several writers at once', async () => {
      const writers = [log, reopened(), reopened()];
      const pieces = BigInt(70 * size);
      await Promise.all(
        writers.map(async (writer, nth) => {
          await append(writer, nth * 10, 50 + nth * 10);
          await writer.appendPiece(stream, pieces, bytesAt(pieces, 100 + nth));
        }),
      );
      expect(await reopened().coverage()).toEqual([{ stream, start: 0n, end: pieces + 102n }]);
      const end = pieces + 102n;
      expect(await reopened().read(stream, 0n, end)).toEqual(bytesAt(0n, 70 * size + 102));
    });

    it('is closed to another key', async () => {
      await append(log, 0, 1);
      expect(await openLogs(subject.location, randomKey()).log('database').coverage()).toEqual([]);
    });
  });
}
