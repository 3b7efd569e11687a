import { describe, expect, it } from 'vitest';
import type { CatalogRecord, CatalogRelation } from '../../sources/index.ts';
import { CatalogDirectory } from './catalog-directory.ts';

function catalog(lsn: string, ...relations: Partial<CatalogRelation>[]): CatalogRecord {
  return {
    systemId: '1',
    timeline: 1,
    lsn,
    time: `2026-01-0${lsn.at(-1)}T00:00:00Z`,
    databases: [
      {
        oid: 5,
        name: 'shop',
        relations: relations.map((each) => ({
          oid: 100,
          filenode: 100,
          schema: 'public',
          name: 'orders',
          kind: 'r',
          ...each,
        })),
      },
    ],
  };
}

const file = (filenode: number, tablespace = 1663) => ({ tablespace, database: 5, filenode });

describe('CatalogDirectory', () => {
  it('names a file as of the moment, though the table was rewritten and renamed since', () => {
    const directory = new CatalogDirectory([
      catalog('0/3', { filenode: 300, name: 'renamed', rows: 30 }),
      catalog('0/1', { rows: 10 }),
    ]);
    expect(directory.at(2n).byFilenode(file(100))).toMatchObject({ name: 'orders', rows: 10 });
    expect(directory.at(2n).byOid(5, 100)).toMatchObject({ name: 'orders' });
    expect(directory.at(4n).byOid(5, 100)).toMatchObject({ name: 'renamed', rows: 30 });
    expect(directory.baselineTime(2n)).toBe('2026-01-01T00:00:00Z');
  });

  it('looks into later catalogs last, and takes row counts from where there are some', () => {
    const directory = new CatalogDirectory([
      catalog('0/1', { rows: 10 }),
      catalog('0/3', { filenode: 300 }),
    ]);
    expect(directory.at(2n).byFilenode(file(300))).toMatchObject({ name: 'orders', rows: 10 });
    expect(directory.at(2n).byFilenode(file(7))).toBeUndefined();
  });

  it('says of rows that were counted later only that they are', () => {
    const directory = new CatalogDirectory([
      catalog('0/1', { filenode: 100 }),
      catalog('0/3', { rows: 30 }),
    ]);
    const later = { rows: 30, rowsAreLater: true };
    expect(directory.at(2n).byFilenode(file(100))).toMatchObject(later);
    expect(directory.at(0n).byOid(5, 100)).toMatchObject(later);
    expect(directory.at(3n).byOid(5, 100)).not.toHaveProperty('rowsAreLater');
  });

  it('tells the same number in two tablespaces apart', () => {
    const directory = new CatalogDirectory([
      catalog(
        '0/1',
        { oid: 1, tablespace: 1663, name: 'a' },
        { oid: 2, tablespace: 99, name: 'b' },
      ),
    ]);
    expect(directory.at(2n).byFilenode(file(100, 99))?.name).toBe('b');
  });
});
