import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { BlobId } from '../repository.ts';
import { BlobIndex } from './blob-index.ts';
import { BlobLookup } from './blob-lookup.ts';
import { ClaimTable } from './claim-table.ts';

const id = (text: string) => createHash('sha256').update(text).digest('hex') as BlobId;
const never = () => false;

describe('claims of blobs', () => {
  it('give each blob to the first who asks, in whichever thread', () => {
    const table = new ClaimTable();
    const other = new ClaimTable(table.memory);
    expect(table.claim('data', id('x'), never)).toBe(true);
    expect(other.claim('data', id('x'), never)).toBe(false);
    expect(other.claim('tree', id('x'), never)).toBe(true);
    expect(other.claim('data', id('y'), () => true)).toBe(false);
    expect(table.has('data', id('y'))).toBe(false);
    expect(table.has('tree', id('x'))).toBe(true);
  });

  it('are given back once the index names them', () => {
    const table = new ClaimTable();
    const ids = Array.from({ length: 1000 }, (_, i) => id(String(i)));
    for (const each of ids) table.claim('data', each, never);
    const stored = new Set(ids.slice(0, 600));
    table.release((words, row) => {
      const bytes = Buffer.from(words.buffer, words.byteOffset + row * 32, 32);
      return stored.has(bytes.toString('hex') as BlobId);
    });
    expect(ids.map((each) => table.has('data', each))).toEqual(
      ids.map((each) => !stored.has(each)),
    );
    expect(table.claim('data', ids[700] as BlobId, never)).toBe(false);
  });
});

describe('the index seen from another thread', () => {
  it('shows what was added since, however it has grown', () => {
    const index = new BlobIndex();
    const lookup = new BlobLookup(index.memory);
    for (let pack = 0; pack < 40; pack++) {
      const blobs = Array.from({ length: 500 }, (_, i) => ({
        id: id(`${pack} ${i}`),
        type: i % 2 === 0 ? ('data' as const) : ('tree' as const),
        offset: i,
        length: 100,
        uncompressedLength: i,
      }));
      expect(lookup.has('data', id(`${pack} 0`))).toBe(false);
      index.addPack({ name: id(`pack ${pack}`), blobs });
      expect(lookup.find('tree', id(`${pack} 499`))).toMatchObject({ offset: 499 });
      expect(lookup.find('data', id(`${pack} 0`))?.pack).toBe(id(`pack ${pack}`));
      expect(lookup.has('data', id(`${pack} 1`))).toBe(false);
    }
    const { ids, places, table, packNames } = index.memory;
    const bytes = ids.byteLength + places.byteLength + table.byteLength + packNames.byteLength;
    expect(bytes / index.blobCount).toBeLessThan(64);
  });
});
