import { describe, expect, it } from 'vitest';
import { type BuiltRecord, WalBuilder, words } from '../../test/support/wal-builder.ts';
import { ChangedBlocks } from './changed-blocks.ts';
import { WalReader } from './wal-reader.ts';

const table = [1663, 5, 20_000] as const;
const relation = { tablespace: 1663, database: 5, filenode: 20_000 };
const other = { ...relation, filenode: 20_001 };

function changed(...records: readonly BuiltRecord[]): ChangedBlocks {
  const builder = new WalBuilder();
  for (const record of records) builder.record(record);
  const changes = new ChangedBlocks(8);
  const reader = new WalReader({ startLsn: builder.startLsn });
  for (const record of reader.read(builder.bytes())) changes.add(record);
  return changes;
}

const write = (block: number, fork = 0): BuiltRecord => ({
  manager: 10,
  blocks: [{ id: 0, fork, relation: table, block }],
});

describe('changed blocks', () => {
  it('are those that records name, in groups', () => {
    const changes = changed(write(0), write(17), write(131_072));
    const groups = [0, 1, 2, 3, 16_384].map((group) => changes.isChanged(relation, group));
    expect(groups).toEqual([true, false, true, false, true]);
    expect(changes.isChanged(other, 0)).toBe(false);
    expect(changes.doubt).toBe(undefined);
  });

  it('are all of every block that one record names, and none of other forks', () => {
    const several = {
      manager: 11,
      blocks: [
        { id: 0, relation: table, block: 3 },
        { id: 2, relation: [1663, 5, 20_001] as const, block: 9 },
      ],
    };
    const changes = changed(several, write(80, 1), write(80, 2));
    expect([changes.isChanged(relation, 0), changes.isChanged(other, 1)]).toEqual([true, true]);
    expect(changes.isChanged(relation, 10)).toBe(false);
  });

  it.each<[string, BuiltRecord]>([
    ['made', { manager: 2, info: 0x10, main: words(...table, 0) }],
    ['cut short', { manager: 2, info: 0x20, main: words(40, ...table, 7) }],
    ['dropped by a commit', { manager: 1, info: 0x80, main: words(0, 0, 4, 1, ...table) }],
    ['dropped by an abort', { manager: 1, info: 0xa0, main: words(0, 0, 4, 1, ...table) }],
  ])('are all blocks of a relation that was %s, whatever else is said of it', (_what, record) => {
    const changes = changed(write(1), record, write(2));
    expect([0, 1, 99_999].map((group) => changes.isChanged(relation, group))).toEqual([
      true,
      true,
      true,
    ]);
    expect(changes.isChanged(other, 0)).toBe(false);
  });

  it('are all blocks of a database that was copied, moved or dropped', () => {
    for (const info of [0x00, 0x10, 0x20]) {
      const changes = changed({ manager: 4, info, main: words(5, 1663, 1, 1663) });
      expect(changes.isChanged(other, 3)).toBe(true);
      expect(changes.isChanged({ ...other, tablespace: 16_500 }, 3)).toBe(true);
      expect(changes.isChanged({ ...other, database: 1 }, 3)).toBe(false);
    }
  });

  it.each<[string, BuiltRecord]>([
    ['a restart', { manager: 0, info: 0x00, main: new Uint8Array(88) }],
    ['other settings of the WAL', { manager: 0, info: 0x60, main: new Uint8Array(32) }],
    ['full_page_writes switched', { manager: 0, info: 0x80, main: new Uint8Array(1) }],
    ['the end of a recovery', { manager: 0, info: 0x90, main: new Uint8Array(24) }],
    ['a tablespace', { manager: 5, info: 0x00, main: words(16_500) }],
    ['an unknown record of a relation file', { manager: 2, info: 0x30, main: words(...table, 0) }],
    ['an extension with records of its own', { manager: 130, main: words(1) }],
  ])('are everything after %s', (_what, record) => {
    const changes = changed(record);
    expect(changes.doubt).toBeDefined();
    expect(changes.isChanged(other, 0)).toBe(true);
  });
});
