import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fuzzRuns } from '../../test/support/fuzz.ts';
import { WalBuilder } from '../../test/support/wal-builder.ts';
import { crc32c } from './crc32c.ts';
import { WalReader, type WalReaderOptions } from './wal-reader.ts';

const noise = (length: number, seed = 1) =>
  Uint8Array.from({ length }, (_, index) => (index * 31 + seed) & 255);

function read(bytes: Uint8Array, options: WalReaderOptions, pieceBytes = bytes.length) {
  const reader = new WalReader(options);
  const starts: number[] = [];
  const mains: number[] = [];
  const sums: number[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    for (const record of reader.read(bytes.subarray(at, at + pieceBytes))) {
      starts.push(record.start);
      mains.push(record.mainBytes);
      sums.push(crc32c(record.mainData()));
    }
  }
  return { starts, mains, sums, reader, end: reader.finish() };
}

/** Records of all sizes: within a page, over some, over the window, over the assembly buffer. */
function log(): { builder: WalBuilder; starts: number[]; sizes: number[] } {
  const builder = new WalBuilder();
  const sizes = [0, 1, 255, 256, 5000, 8000, 8192, 30_000, 3, 131_072, 2_500_000, 17];
  const starts = sizes.map((size) => builder.record({ manager: 21, main: noise(size) }));
  return { builder, starts, sizes };
}

describe('WalReader', () => {
  it('reads records of all sizes, however the bytes are cut', () => {
    const { builder, starts, sizes } = log();
    for (const pieceBytes of [1 << 24, 8192, 100_000, 13]) {
      const found = read(builder.bytes(), { startLsn: builder.startLsn }, pieceBytes);
      expect(found.starts).toEqual(starts);
      expect(found.mains).toEqual(sizes);
      expect(found.end).toMatchObject({ kind: 'invalid', at: BigInt(builder.position) });
      expect(found.reader.major).toBe(18);
      expect(found.reader.segmentSizeBytes).toBe(2 ** 20);
    }
  });

  it('hands a record out as soon as its bytes are there', () => {
    const { builder, starts } = log();
    const reader = new WalReader({ startLsn: builder.startLsn });
    reader.push(builder.bytes().subarray(0, 40 + 24));
    expect(reader.next()?.start).toBe(starts[0]);
    expect(reader.next()).toBeUndefined();
    expect(reader.finish()).toMatchObject({ kind: 'end-of-input' });
  });

  it('says where a log stops whose last record is incomplete', () => {
    const { builder, starts } = log();
    const cut = builder.bytes().subarray(0, (starts[10] as number) - 2 ** 24 + 100_000);
    const { starts: found, end, reader } = read(cut, { startLsn: builder.startLsn });
    expect(found).toEqual(starts.slice(0, 10));
    expect(end).toMatchObject({ kind: 'end-of-input', at: BigInt(starts[10] as number) });
    expect(() => reader.requireReached(BigInt(starts[10] as number))).not.toThrow();
    expect(() => reader.requireReached(BigInt((starts[10] as number) + 8))).toThrow('WAL ends at');
  });

  it('goes on in the next segment after a switch, with and without a known segment size', () => {
    const builder = new WalBuilder({ start: 2 ** 24 + 8192 });
    builder.record({ manager: 21, main: noise(9) });
    builder.switchSegment();
    const next = builder.record({ manager: 21, main: noise(9) });
    expect(next % 2 ** 20).toBe(40);
    for (const known of [{}, { segmentSizeBytes: 2 ** 20 }]) {
      const { starts } = read(builder.bytes(), { startLsn: builder.startLsn, ...known });
      expect(starts.length).toBe(3);
      expect(starts[2]).toBe(next);
    }
  });

  it('drops a record that a crash tore and the server gave up', () => {
    const builder = new WalBuilder();
    const first = builder.record({ manager: 21, main: noise(9) });
    builder.tornRecord({ manager: 21, main: noise(60_000) });
    builder.page(8);
    const second = builder.record({ manager: 0, info: 0xd0, main: noise(16) });
    const { starts } = read(builder.bytes(), { startLsn: builder.startLsn });
    expect(starts).toEqual([first, second]);
  });

  it('stops at old pages of a recycled segment', () => {
    const builder = new WalBuilder();
    // Fills its page to the last byte.
    builder.record({ manager: 21, main: noise(8123) });
    const old = new WalBuilder({ start: 2 ** 23 });
    for (let page = 0; page < 4; page++) old.record({ manager: 21, main: noise(8100) });
    const bytes = Buffer.concat([builder.bytes(), old.bytes().subarray(builder.bytes().length)]);
    const { starts, end } = read(bytes, { startLsn: builder.startLsn });
    expect(starts.length).toBe(1);
    expect(end).toMatchObject({ kind: 'invalid', why: expect.stringContaining('position') });
  });

  it.each([
    ['another cluster', { systemId: '78' }, 'cluster 77'],
    ['a later timeline', { timeline: 0 }, 'timeline 1'],
    ['another segment size', { segmentSizeBytes: 2 ** 24 }, 'segment size'],
  ])('refuses %s', (_name, options, why) => {
    const builder = new WalBuilder();
    builder.record({ manager: 21 });
    const { starts, end } = read(builder.bytes(), { startLsn: builder.startLsn, ...options });
    expect(starts).toEqual([]);
    expect(end).toMatchObject({ kind: 'invalid', why: expect.stringContaining(why) });
  });

  it('follows a change of the timeline, and never back', () => {
    const builder = new WalBuilder();
    const add = () => builder.record({ manager: 21, main: noise(8120) });
    add();
    builder.timeline = 2;
    add();
    add();
    builder.timeline = 1;
    add();
    const found = read(builder.bytes(), { startLsn: builder.startLsn, timeline: 2 });
    expect(found.starts.length).toBe(3);
    expect(found.end.why).toContain('timeline 1');
  });

  it('refuses WAL of an unknown version', () => {
    const builder = new WalBuilder({ magic: 0xd1ff });
    builder.record({ manager: 21 });
    expect(() => read(builder.bytes(), { startLsn: builder.startLsn })).toThrow('unknown version');
  });

  it('never yields a record with a changed bit, and never fails otherwise', () => {
    const { builder, starts, sizes } = log();
    const bytes = builder.bytes();
    const sums = sizes.map((size) => crc32c(noise(size)));
    fc.assert(
      fc.property(fc.integer({ min: 2, max: bytes.length - 1 }), fc.nat(7), (at, bit) => {
        const damaged = Buffer.from(bytes);
        damaged[at] = (damaged[at] as number) ^ (1 << bit);
        const found = read(damaged, { startLsn: builder.startLsn });
        // All records whose bytes are before the damage are there, and none but real ones.
        const before = starts.filter((_, index) => (starts[index + 1] ?? 0) - 2 ** 24 <= at);
        expect(found.starts).toEqual(starts.slice(0, found.starts.length));
        expect(found.sums).toEqual(sums.slice(0, found.sums.length));
        if (at < (starts[11] as number) - 2 ** 24) {
          expect(found.starts.length).toBeGreaterThanOrEqual(before.length - 1);
        }
      }),
      { numRuns: fuzzRuns(60) },
    );
  });

  it.each([0xd106, 0xd118])('finds images beside data in WAL of the magic %i', (magic) => {
    const builder = new WalBuilder({ magic });
    const relation = [1663, 5, 20_000] as const;
    builder.record({
      manager: 10,
      xid: 4_000_000_000,
      blocks: [
        { id: 0, relation, block: 4_294_967_294, image: noise(8000, 3), data: noise(20, 5) },
        { id: 3, fork: 2, relation, block: 1, data: noise(300, 7) },
      ],
      main: noise(14),
    });
    const reader = new WalReader({ startLsn: builder.startLsn });
    reader.push(builder.bytes());
    const record = reader.next();
    expect(record?.xid).toBe(4_000_000_000);
    expect(record?.mainData()).toEqual(noise(14));
    expect(record?.block(1)).toBeUndefined();
    const [first, second] = [record?.block(0), record?.block(3)];
    expect(first).toMatchObject({
      tablespace: 1663,
      database: 5,
      relation: 20_000,
      blockNumber: 4_294_967_294,
      hasImage: true,
      appliesImage: true,
      imageCompression: 'none',
      imageBytes: 8000,
      holeBytes: 192,
      dataBytes: 20,
    });
    expect(second).toMatchObject({ fork: 2, blockNumber: 1, hasImage: false, dataBytes: 300 });
    const at = (offset = 0, length = 0) => record?.bytes.slice(offset, offset + length);
    expect(at(first?.imageOffset, 8000)).toEqual(noise(8000, 3));
    expect(at(first?.dataOffset, 20)).toEqual(noise(20, 5));
    expect(at(second?.dataOffset, 300)).toEqual(noise(300, 7));
  });

  it('survives any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), fc.boolean(), (bytes, headed) => {
        const builder = new WalBuilder();
        builder.page();
        const page = builder.bytes();
        if (headed) page.set(bytes, 40);
        else page.set(bytes);
        try {
          expect(read(page, { startLsn: builder.startLsn }).starts).toEqual([]);
        } catch (error) {
          expect(error).toMatchObject({ code: 'wal.unsupported' });
        }
      }),
    );
  });
});
