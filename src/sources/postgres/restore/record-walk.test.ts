import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RecordWalk } from './record-walk.ts';
import { positionOf } from './tablespace-records.ts';

const segmentSizeBytes = 2 ** 20;
const walkOver = (bytes: Uint8Array, pieceBytes: number) => {
  const found: [number, number][] = [];
  const walk = new RecordWalk({
    start: 0n,
    segmentSizeBytes,
    manager: 5,
    onFound: ({ start, bytes: record }) => found.push([start, record.length]),
  });
  for (let at = 0; at < bytes.length; at += pieceBytes)
    walk.feed(bytes.subarray(at, at + pieceBytes));
  return { walk, found };
};

/** Two segments of records of these lengths, one after the other, past all page headers. */
function logOf(records: readonly { length: number; manager: number }[]): Uint8Array {
  const bytes = new Uint8Array(2 * segmentSizeBytes);
  const view = new DataView(bytes.buffer);
  let end = 0;
  for (const { length, manager } of records) {
    const start = positionOf(Math.ceil(end / 8) * 8, 0, segmentSizeBytes);
    const put = (offset: number, value: number) => {
      bytes[positionOf(start, offset, segmentSizeBytes)] = value;
    };
    for (let index = 0; index < 4; index++) put(index, (length >>> (8 * index)) & 0xff);
    put(17, manager);
    end = positionOf(start, length - 1, segmentSizeBytes) + 1;
    for (let page = Math.ceil((start + 1) / 8192) * 8192; page < end; page += 8192) {
      const header = page % segmentSizeBytes === 0 ? 40 : 24;
      let done = 0;
      while (done < length && positionOf(start, done, segmentSizeBytes) < page + header) done++;
      view.setUint16(page + 2, 1, true);
      view.setUint32(page + 16, length - done, true);
    }
  }
  return bytes;
}

test('finds every record of the manager, however pages cut it', () => {
  const record = fc.record({
    length: fc.integer({ min: 24, max: 3000 }),
    manager: fc.constantFrom(5, 10),
  });
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 60 }), (records) => {
      const bytes = logOf(records);
      const expected = records.filter(({ manager }) => manager === 5).map(({ length }) => length);
      expect(walkOver(bytes, bytes.length).found.map(([, length]) => length)).toEqual(expected);
      expect(walkOver(bytes, 8192).found.map(([, length]) => length)).toEqual(expected);
    }),
    { numRuns: 50 },
  );
});

test('knows that it waits for the rest of a record that it must find', () => {
  const bytes = logOf([
    { length: 8000, manager: 10 },
    { length: 2000, manager: 5 },
  ]);
  expect(walkOver(bytes.subarray(0, 8192), 8192).walk.awaitsMore).toBe(true);
  expect(walkOver(bytes.subarray(0, 16_384), 8192)).toMatchObject({
    walk: { awaitsMore: false, endedAt: expect.any(Number) },
    found: [[8040, 2000]],
  });
});

test('any bytes are walked to an end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 0, maxLength: 40_000 }), (bytes) => {
      const { walk } = walkOver(bytes, 8192);
      expect(walk.endedAt ?? bytes.length).toBeLessThanOrEqual(bytes.length);
    }),
    { numRuns: 50 },
  );
});
