import { describe, expect, it } from 'vitest';
import { parseLsn } from '../../../wal/index.ts';
import type { CatalogRecord, CatalogRelation } from '../backup-info.ts';
import { catalogAt, resolveRelation } from './resolve-relation.ts';

function catalog(lsn: string, ...relations: Partial<CatalogRelation>[]): CatalogRecord {
  const whole = relations.map((relation) => ({
    oid: 16384,
    filenode: 16384,
    tablespace: 1663,
    schema: 'public',
    name: 'orders',
    kind: 'r',
    ...relation,
  }));
  const databases = [{ oid: 5, name: 'shop', relations: whole }];
  return { systemId: '1', timeline: 1, lsn, time: '2026-11-21T10:00:00Z', databases };
}

describe('catalogs', () => {
  const early = catalog('0/100', { name: 'orders' });
  const late = catalog('0/300', { name: 'renamed', filenode: 20_000 });
  const all = [late, early];

  it('are chosen by position', () => {
    expect(catalogAt(all, parseLsn('0/300'))).toBe(late);
    expect(catalogAt(all, parseLsn('0/2FF'))).toBe(early);
    expect(catalogAt(all, parseLsn('0/50'))).toBe(early);
    expect(catalogAt([], 0n)).toBeUndefined();
  });

  it('name a relation by a filenode it no longer has', () => {
    expect(resolveRelation(all, 5, { filenode: 16384 })?.relation.name).toBe('orders');
    expect(resolveRelation(all, 5, { filenode: 20_000 })?.relation.name).toBe('renamed');
    expect(resolveRelation(all, 6, { filenode: 16384 })).toBeUndefined();
    expect(resolveRelation(all, 5, { filenode: 0 })).toBeUndefined();
  });

  it('prefer the name that was true at a position', () => {
    expect(resolveRelation(all, 5, { oid: 16384 })?.relation.name).toBe('renamed');
    expect(resolveRelation(all, 5, { oid: 16384 }, parseLsn('0/200'))?.relation.name).toBe(
      'orders',
    );
    expect(resolveRelation(all, 5, { oid: 16384 }, parseLsn('0/50'))?.relation.name).toBe('orders');
  });

  it('tell tablespaces and shared relations apart', () => {
    const both = catalog(
      '0/1',
      { name: 'pg_database', oid: 1262, filenode: 1262, tablespace: 1664 },
      { name: 'here', tablespace: 1663 },
      { name: 'there', oid: 2, tablespace: 16400 },
    );
    const find = (database: number, filenode: number, tablespace: number) =>
      resolveRelation([both], database, { filenode, tablespace })?.relation.name;
    expect(find(5, 16384, 16400)).toBe('there');
    expect(find(5, 16384, 1663)).toBe('here');
    expect(find(0, 1262, 1664)).toBe('pg_database');
    expect(find(0, 16384, 1664)).toBeUndefined();
  });
});
