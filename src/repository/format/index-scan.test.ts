import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fuzzRuns } from '../../../test/support/fuzz.ts';
import { isLifeboatError } from '../../core/index.ts';
import { BlobIndex } from '../index/blob-index.ts';
import type { BlobId } from '../repository.ts';
import { decodeIndex, encodeIndex, type IndexedPack } from './index-file.ts';
import { type IndexColumns, scanIndex } from './index-scan.ts';

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

function packsIn({ packs, ids, places }: IndexColumns): IndexedPack[] {
  const rows = places.length / 4;
  return packs.map(({ name, firstRow }, number) => {
    const end = packs[number + 1]?.firstRow ?? rows;
    const blobs = Array.from({ length: end - firstRow }, (_, i) => {
      const row = firstRow + i;
      const [kind, offset, length, uncompressedLength] = places.subarray(row * 4, row * 4 + 4);
      return {
        id: Buffer.from(ids.subarray(row * 32, row * 32 + 32)).toString('hex') as BlobId,
        type: kind === 1 ? ('tree' as const) : ('data' as const),
        offset: offset as number,
        length: length as number,
        uncompressedLength: uncompressedLength as number,
      };
    });
    return { name, blobs };
  });
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
        expect(columns && packsIn(columns)).toEqual(packs);
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
        expect(packsIn(columns)).toEqual(decodedOrDamaged(changed.toString()));
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
