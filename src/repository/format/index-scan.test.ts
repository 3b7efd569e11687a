import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fuzzRuns } from '../../../test/support/fuzz.ts';
import { isLifeboatError } from '../../core/index.ts';
import { BlobIndex } from '../index/blob-index.ts';
import type { BlobId } from '../repository.ts';
import { ColumnsBuilder, type IndexColumns, packsIn } from './index-columns.ts';
import { decodeIndex, encodeIndex, type IndexedPack } from './index-file.ts';
import { scanIndex } from './index-scan.ts';
import { encodeColumns } from './index-text.ts';
import { encodePackHeader } from './pack-header.ts';

const hash = (text: string) => createHash('sha256').update(text).digest('hex') as BlobId;

function packsOf(sizes: readonly number[]): IndexedPack[] {
  return sizes.map((size, pack) => ({
    name: hash(`pack ${pack}`),
    blobs: Array.from({ length: size }, (_, i) => ({
      id: hash(`${pack} ${i}`),
      type: i % 7 === 0 ? 'tree' : 'data',
      offset: i === 0 ? 0 : 2 ** (i % 33) - 1,
      length: 33 + ((i * 7919) % 20_000_000),
      uncompressedLength: i % 3 === 0 ? 0 : 1 + ((i * 104_729) % 400_000_000),
    })),
  }));
}

describe('reading an index without JSON', () => {
  // The kernel takes pieces of 256 KiB: some 1,600 blobs.
  it.each([[[1]], [[3, 1, 2]], [[5000]], [Array<number>(2500).fill(3)], [[1600, 1700, 9000, 1]]])(
    'gives what JSON gives: packs of %j blobs',
    (sizes) => {
      const packs = packsOf(sizes);
      const text = encodeIndex(packs);
      for (const each of [text, text.trimEnd()]) {
        const columns = scanIndex(Buffer.from(each));
        expect(columns && [...packsIn(columns)]).toEqual(packs);
      }
    },
  );

  it('fills a blob index as pack by pack does, and leaves out what it is told to', () => {
    const packs = packsOf([10, 3000, 20]);
    const [first, second, third] = packs as [IndexedPack, IndexedPack, IndexedPack];
    // A blob that two packs hold: the first answers.
    const twice = { ...third, blobs: [...third.blobs, ...first.blobs] };
    const [one, other] = [new BlobIndex(), new BlobIndex()];
    for (const each of [first, second, twice]) one.addPack(each);
    other.addColumns(scanIndex(Buffer.from(encodeIndex([first, second, twice]))) as IndexColumns);
    other.addPack(second);
    expect([other.blobCount, other.packNames]).toEqual([one.blobCount, one.packNames]);
    for (const { blobs } of packs) {
      for (const { type, id } of blobs) expect(other.find(type, id)).toEqual(one.find(type, id));
    }
    const without = new BlobIndex();
    const columns = scanIndex(Buffer.from(encodeIndex([first, twice]))) as IndexColumns;
    without.addColumns(columns, new Set([first.name]));
    expect(without.packNames).toEqual([third.name]);
    expect(without.find('data', first.blobs[1]?.id as BlobId)?.pack).toBe(third.name);
  });

  it.each([[[]], [[1]], [[0, 2, 0]], [[5000]], [[1600, 1700, 9000, 1]]])(
    'and writing one gives the same text: packs of %j blobs',
    (sizes) => {
      const packs = packsOf(sizes);
      const builder = new ColumnsBuilder();
      for (const each of packs) builder.add(each);
      expect(builder.blobCount).toBe(packs.reduce((sum, { blobs }) => sum + blobs.length, 0));
      expect(Buffer.from(encodeColumns(builder.take())).toString()).toBe(encodeIndex(packs));
      expect(builder.blobCount).toBe(0);
      // From pack headers, too: there offsets are sums.
      const summed = packs.map(({ name, blobs }) => {
        let offset = 0;
        const moved = blobs.map((blob) => {
          const length = 33 + (blob.length % 1000);
          offset += length;
          return { ...blob, length, offset: offset - length };
        });
        return { name, blobs: moved };
      });
      for (const each of summed) builder.add({ ...each, header: encodePackHeader(each.blobs) });
      expect(Buffer.from(encodeColumns(builder.take())).toString()).toBe(encodeIndex(summed));
    },
  );

  it.each([
    ['{"packs":[]}'],
    ['{"packs":null}'],
    [''],
    ['{'],
    [encodeIndex(packsOf([2])).replace('"packs"', '"supersedes":[],"packs"')],
    [encodeIndex(packsOf([2])).replaceAll(',', ', ')],
    [encodeIndex(packsOf([2])).replace('"length":33', '"length":32')],
    [encodeIndex(packsOf([2])).replace('"length":33', '"length":999999999')],
    [encodeIndex(packsOf([2])).replace('"offset":0', '"offset":00')],
    [encodeIndex(packsOf([2])).replace('"offset":0', '"offset":4294967296')],
    [encodeIndex(packsOf([2])).replace(/[0-9a-f]{64}/, '0'.repeat(64))],
    [encodeIndex(packsOf([2])).replace('a', 'A')],
    [`${encodeIndex(packsOf([2]))}\n`],
    [encodeIndex(packsOf([4000])).slice(0, -3)],
  ])('leaves any other form to JSON: %.60s', (text) => {
    expect(scanIndex(Buffer.from(text))).toBeUndefined();
  });

  // The shortest entries there are: more to a piece, and to the file, than any program writes.
  it.each([1, 2383, 2384, 2385, 3000, 20_000])(
    'leaves %i blobs of one digit each to JSON',
    (count) => {
      const blob = (i: number) => ({
        id: hash(`${i}`),
        type: 'data' as const,
        offset: i % 10,
        length: 9,
        uncompressedLength: 0,
      });
      const short = [
        { name: hash('pack'), blobs: Array.from({ length: count }, (_, i) => blob(i)) },
      ];
      expect(scanIndex(Buffer.from(encodeIndex(short)))).toBeUndefined();
      // Nothing of the kernel was written over.
      const sound = packsOf([3, 5000]);
      const columns = scanIndex(Buffer.from(encodeIndex(sound)));
      expect(columns && [...packsIn(columns)]).toEqual(sound);
    },
  );

  it('never reads anything but what JSON reads, whatever was changed', () => {
    const bytes = Buffer.from(encodeIndex(packsOf([2, 1])));
    const change = fc.record({
      at: fc.nat(bytes.length - 1),
      remove: fc.nat(3),
      put: fc.stringMatching(/^[0-9a-f",:{}[\]]{0,3}$/),
    });
    fc.assert(
      fc.property(change, ({ at, remove, put }) => {
        const changed = Buffer.concat([
          bytes.subarray(0, at),
          Buffer.from(put),
          bytes.subarray(at + remove),
        ]);
        const columns = scanIndex(changed);
        if (columns === undefined) return;
        expect([...packsIn(columns)]).toEqual(decodedOrDamaged(changed.toString()));
      }),
      { numRuns: fuzzRuns(3000) },
    );
  });
});

function decodedOrDamaged(json: string): unknown {
  try {
    return decodeIndex(json);
  } catch (error) {
    return isLifeboatError(error) ? error.code : error;
  }
}
