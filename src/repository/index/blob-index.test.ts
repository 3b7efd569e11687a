import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { PackedBlob } from '../format/index-file.ts';
import type { BlobId } from '../repository.ts';
import { BlobIndex } from './blob-index.ts';

const hash = (text: string) => createHash('sha256').update(text).digest('hex') as BlobId;
const blob = (id: BlobId, offset = 0): PackedBlob => ({
  id,
  type: 'data',
  offset,
  length: 100 + offset,
  uncompressedLength: offset,
});

describe('blob index', () => {
  it('finds every blob of many packs, and nothing else', () => {
    const index = new BlobIndex();
    const packs = Array.from({ length: 50 }, (_, pack) => ({
      name: hash(`pack ${pack}`),
      blobs: Array.from({ length: 200 }, (_, i) => blob(hash(`${pack} ${i}`), i)),
    }));
    for (const pack of packs) index.addPack(pack);
    expect([index.blobCount, index.packCount]).toEqual([10_000, 50]);
    for (const { name, blobs } of packs) {
      for (const { id, offset, length, uncompressedLength } of blobs) {
        const place = { pack: name, offset, length, uncompressedLength };
        expect(index.find('data', id)).toEqual(place);
        const row = index.rowOf('data', id) as number;
        expect([index.idAt(row), index.placeAt(row)]).toEqual([id, place]);
      }
    }
    for (let i = 0; i < 1000; i++) expect(index.has('data', hash(`absent ${i}`))).toBe(false);
  });

  it('tells ids apart that share their first bytes', () => {
    const index = new BlobIndex();
    const ids = Array.from({ length: 300 }, (_, i) => {
      return `00000001${i.toString(16).padStart(56, '0')}` as BlobId;
    });
    index.addPack({ name: hash('pack'), blobs: ids.map((id, i) => blob(id, i)) });
    expect(ids.map((id) => index.find('data', id)?.offset)).toEqual(ids.map((_, i) => i));
  });

  it('keeps data and trees of the same bytes apart', () => {
    const index = new BlobIndex();
    index.addPack({ name: hash('pack'), blobs: [blob(hash('x'))] });
    expect(index.has('tree', hash('x'))).toBe(false);
    index.addPack({ name: hash('trees'), blobs: [{ ...blob(hash('x')), type: 'tree' }] });
    expect(index.find('tree', hash('x'))?.pack).toBe(hash('trees'));
    expect(index.find('data', hash('x'))?.pack).toBe(hash('pack'));
  });

  it('answers with the first of two packs that hold a blob', () => {
    const index = new BlobIndex();
    index.addPack({ name: hash('one'), blobs: [blob(hash('x'))] });
    index.addPack({ name: hash('two'), blobs: [blob(hash('x')), blob(hash('y'))] });
    expect(index.find('data', hash('x'))?.pack).toBe(hash('one'));
    expect(index.find('data', hash('y'))?.pack).toBe(hash('two'));
    expect(index.blobCount).toBe(2);
  });
});
