import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BuiltRecord, WalBuilder, words } from '../../test/support/wal-builder.ts';
import { isLifeboatError } from '../core/index.ts';
import { DeletedTuples } from './deleted-tuples.ts';
import { TransactionIndex, type TransactionIndexOptions } from './transaction-index.ts';
import { readTransactionEnd } from './transaction-record.ts';
import { WalReader } from './wal-reader.ts';

const table = [1663, 5, 20_000] as const;
const removal = (
  xid: number,
  offset = 1,
  relation: BuiltRecord['xid'] = table[2],
): BuiltRecord => ({
  manager: 10,
  info: 0x10,
  xid,
  main: Buffer.concat([words(xid), Buffer.from([offset, 0, 0, 0])]),
  blocks: [{ id: 0, relation: [table[0], table[1], relation], block: 7 }],
});
const commit = (xid: number, subXids: number[] = []): BuiltRecord => ({
  manager: 1,
  info: 0x80,
  xid,
  main: Buffer.concat([words(0, 0, 2, subXids.length, ...subXids)]),
});
const abort = (xid: number, subXids: number[] = []): BuiltRecord => {
  return { ...commit(xid, subXids), info: 0xa0 };
};
const prepare = (xid: number): BuiltRecord => ({ manager: 1, info: 0x10, xid });
const commitPrepared = (xid: number): BuiltRecord => ({
  manager: 1,
  info: 0xb0,
  main: words(0, 0, 0x10, xid),
});
const running = (oldest: number): BuiltRecord => ({
  manager: 8,
  info: 0x10,
  main: words(0, 0, 0, oldest + 1, oldest, oldest),
});
const shutdownCheckpoint: BuiltRecord = { manager: 0, info: 0x00, main: new Uint8Array(88) };

function indexed(records: readonly BuiltRecord[], options?: TransactionIndexOptions) {
  const builder = new WalBuilder();
  for (const record of records) builder.record(record);
  const index = new TransactionIndex(options);
  const reader = new WalReader({ startLsn: builder.startLsn });
  for (const record of reader.read(builder.bytes())) index.add(record);
  return index;
}

const deleted = (index: TransactionIndex) =>
  Object.fromEntries(
    index.committed().map(({ xid, relations }) => {
      return [xid, relations.reduce((sum, each) => sum + each.deleted, 0)];
    }),
  );

describe('TransactionIndex', () => {
  it('joins subtransactions with their transaction and forgets aborted ones', () => {
    const index = indexed([
      removal(10),
      removal(11),
      removal(12),
      abort(12),
      removal(13),
      removal(20),
      abort(20, [21]),
      commit(10, [11, 13]),
    ]);
    expect(deleted(index)).toEqual({ 10: 3 });
    expect(index.openCount).toBe(0);
  });

  it('keeps prepared transactions over a restart, and no others', () => {
    const index = indexed([
      removal(10),
      prepare(10),
      removal(11),
      shutdownCheckpoint,
      removal(12),
      commitPrepared(10),
      commit(12),
    ]);
    expect(deleted(index)).toEqual({ 10: 1, 12: 1 });
    expect(index.openCount).toBe(0);
  });

  it('forgets what a crash cut off once nothing so old runs, also across the wraparound of xids', () => {
    const index = indexed([removal(4_294_967_290), removal(5), running(4), removal(3), running(5)]);
    expect(index.openCount).toBe(1);
  });

  it('adds small transactions up when there are too many of them', () => {
    const records = Array.from({ length: 50 }, (_, at) => [removal(100 + at), commit(100 + at)]);
    const index = indexed(records.flat(), { smallLimit: 20 });
    expect(index.committed().map(({ xid }) => xid)).toEqual(
      Array.from({ length: 20 }, (_, at) => 130 + at),
    );
    expect(index.totals().get('1663/5/20000')).toMatchObject({ transactions: 30, deleted: 30 });
    expect(index.committedCount).toBe(50);
    expect(index.take().length).toBe(20);
    expect(index.committed()).toEqual([]);
  });

  it('holds no more open transactions than it may, and says that counts are too low', () => {
    const records = Array.from({ length: 30 }, (_, at) => removal(100 + at));
    const index = indexed([...records, commit(100, [101, 129]), commit(102)], { openLimit: 10 });
    expect(deleted(index)).toEqual({ 100: 2, 102: 1 });
    expect(index.committed().every(({ complete }) => !complete)).toBe(true);
  });

  it('is not sure of what ran already when a server first says what runs', () => {
    const listing = (...xids: number[]): BuiltRecord => ({
      manager: 8,
      info: 0x10,
      main: words(xids.length - 1, 1, 0, 30, 10, 29, ...xids),
    });
    const records = [listing(10, 12, 13), removal(10), removal(11), removal(12)];
    const later = [listing(11, 14), commit(10), commit(11), commit(12), removal(14), commit(14)];
    const sure = indexed([...records, ...later]).committed();
    expect(sure.map(({ xid, complete }) => [xid, complete])).toEqual([
      [10, false],
      [11, true],
      [12, false],
      [14, true],
    ]);
    expect(() => indexed([{ ...listing(10), main: words(9, 0, 0, 30, 10, 29, 10) }])).toThrow();
  });

  it('does not count rows of catalogs', () => {
    expect(deleted(indexed([removal(10, 1, 1259), commit(10)]))).toEqual({});
  });

  it('takes records with any content, or calls them invalid', () => {
    const anyRecord = fc.record({
      manager: fc.integer({ min: 0, max: 21 }),
      info: fc.integer({ min: 0, max: 255 }).map((info) => info & 0xf0),
      xid: fc.integer({ min: 0, max: 5 }),
      main: fc.uint8Array({ maxLength: 60 }),
      blocks: fc.constantFrom(
        [],
        [{ id: 0, relation: table, block: 1 }],
        [{ id: 1, fork: 2, relation: [1663, 5, 1259] as const, block: 1, data: new Uint8Array(3) }],
      ),
    });
    fc.assert(
      fc.property(fc.array(anyRecord, { maxLength: 12 }), fc.boolean(), (records, old) => {
        const builder = new WalBuilder(old ? { magic: 0xd106 } : {});
        for (const record of records) builder.record(record);
        const index = new TransactionIndex();
        const tuples = new DeletedTuples([1, 2, 3]);
        const reader = new WalReader({ startLsn: builder.startLsn });
        const tolerate = (action: () => void) => {
          try {
            action();
          } catch (error) {
            if (!isLifeboatError(error, 'wal.invalid')) throw error;
          }
        };
        for (const record of reader.read(builder.bytes())) {
          tolerate(() => index.add(record));
          tolerate(() => tuples.add(record));
          if (record.resourceManager === 1) tolerate(() => readTransactionEnd(record));
        }
        index.committed();
        tuples.finish();
      }),
      { numRuns: 500 },
    );
  });
});

describe('DeletedTuples', () => {
  const row = (operation: number, xid: number, main: Buffer, blocks: BuiltRecord['blocks']) => ({
    manager: 10,
    info: operation,
    xid,
    main,
    ...(blocks ? { blocks } : {}),
  });
  const at = (block: number, id = 0, fork = 0) => ({ id, fork, relation: table, block });
  const short = (value: number) => Buffer.from([value & 255, value >> 8]);
  const insert = (block: number, offset: number) =>
    row(0x00, 9, Buffer.concat([short(offset), short(0)]), [at(block)]);
  const update = (from: [number, number], to: [number, number], extra = false) =>
    row(0x20, 9, Buffer.concat([words(9), short(from[1]), short(0), words(0), short(to[1])]), [
      at(to[0]),
      ...(from[0] === to[0] ? [] : [at(from[0], 1)]),
      // Newer minor releases register the visibility map's pages as well.
      ...(extra ? [at(0, from[0] === to[0] ? 1 : 2, 2)] : []),
    ]);
  const remove = (block: number, offset: number, flags = 0, extra = false) =>
    row(0x10, 9, Buffer.concat([words(9), short(offset), Buffer.from([0, flags])]), [
      at(block),
      ...(extra ? [at(0, 1, 2)] : []),
    ]);

  function collect(records: readonly BuiltRecord[]) {
    const builder = new WalBuilder();
    for (const record of records) builder.record(record);
    const tuples = new DeletedTuples([9]);
    const reader = new WalReader({ startLsn: builder.startLsn });
    for (const record of reader.read(builder.bytes())) tuples.add(record);
    const [found] = tuples.finish();
    return {
      deleted: found?.deleted.texts(),
      updated: found?.updated.texts(),
      moved: found?.moved.texts(),
    };
  }

  it('walks back through the versions that the transaction made', () => {
    const found = collect([
      update([1, 4], [2, 5], true),
      update([2, 5], [2, 6], true),
      remove(2, 6, 0, true),
      update([3, 1], [3, 2]),
      insert(4, 1),
      update([4, 1], [5, 1]),
      remove(5, 1),
      remove(6, 2),
    ]);
    expect(found).toEqual({ deleted: ['(1,4)', '(6,2)'], updated: ['(3,1)'], moved: [] });
  });

  it('takes a place that ON CONFLICT gave back for nobody’s', () => {
    expect(collect([insert(1, 1), remove(1, 1, 8), remove(1, 1)]).deleted).toEqual(['(1,1)']);
  });

  it('lists rows moved to another partition apart', () => {
    const found = collect([remove(1, 1, 16), update([2, 1], [2, 2]), remove(2, 2, 16)]);
    expect(found).toEqual({ deleted: [], updated: [], moved: ['(1,1)', '(2,1)'] });
  });
});
