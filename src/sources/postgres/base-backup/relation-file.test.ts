import { describe, expect, it } from 'vitest';
import { chunkSizeFor } from './chunk-size.ts';
import { parseRelationFile } from './relation-file.ts';

describe('relation file', () => {
  it('is told from its path', () => {
    const main = { tablespace: 1663, database: 5, filenode: 16384, fork: 0, segment: 0 };
    expect(parseRelationFile('base/5/16384')).toEqual(main);
    expect(parseRelationFile('base/5/16384.2')).toEqual({ ...main, segment: 2 });
    expect(parseRelationFile('base/5/16384_fsm')).toEqual({ ...main, fork: 1 });
    expect(parseRelationFile('base/5/16384_vm.1')).toEqual({ ...main, fork: 2, segment: 1 });
    expect(parseRelationFile('base/5/16384_init')).toEqual({ ...main, fork: 3 });
    expect(parseRelationFile('global/1262')).toEqual({
      ...main,
      tablespace: 1664,
      database: 0,
      filenode: 1262,
    });
    expect(parseRelationFile('pg_tblspc/16400/PG_15_202209061/5/16384')).toEqual({
      ...main,
      tablespace: 16400,
    });
  });

  it('is no file of another kind', () => {
    for (const path of [
      'global/pg_control',
      'base/5/pg_filenode.map',
      'base/5/PG_VERSION',
      'pg_xact/0000',
      'pg_wal/000000010000000000000001',
      'base/5/16384_old',
      'base/5/t3_16384',
    ]) {
      expect(parseRelationFile(path), path).toBeUndefined();
    }
  });
});

describe('chunk size', () => {
  const gib = 1024 ** 3;

  it('grows with the cluster', () => {
    const sizes = [0, 16, 17, 32, 33, 256, 257].map((size) => chunkSizeFor(size * gib));
    expect(sizes).toEqual([32_768, 32_768, 65_536, 65_536, 262_144, 262_144, 1_048_576]);
  });

  it('stays what it was until the cluster has outgrown it', () => {
    expect(chunkSizeFor(1 * gib, 65_536)).toBe(65_536);
    expect(chunkSizeFor(100 * gib, 65_536)).toBe(65_536);
    expect(chunkSizeFor(129 * gib, 65_536)).toBe(262_144);
    expect(chunkSizeFor(1 * gib, 262_144)).toBe(262_144);
    expect(chunkSizeFor(64 * gib, 32_768)).toBe(32_768);
    expect(chunkSizeFor(1 * gib, 12_345)).toBe(32_768);
  });
});
