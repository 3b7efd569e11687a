import { describe, expect, it } from 'vitest';
import { type BuiltRecord, WalBuilder, words } from '../../test/support/wal-builder.ts';
import { type CountedMoment, RowTally, type RowTallyOptions } from './row-tally.ts';
import { WalReader } from './wal-reader.ts';

const database = 5;
const filenode = 20_000;

const insert = (xid: number, file = filenode): BuiltRecord => ({
  manager: 10,
  info: 0x00,
  xid,
  main: Buffer.from([1, 0, 0, 0]),
  blocks: [{ id: 0, relation: [1663, database, file], block: 7 }],
});
const commit = (xid: number): BuiltRecord => {
  return { manager: 1, info: 0x80, xid, main: words(0, 0, 0) };
};
const running = (nextXid: number): BuiltRecord => ({
  manager: 8,
  info: 0x10,
  main: words(0, 0, 0, nextXid, nextXid - 1, nextXid - 1),
});

/** The change of the table's file, and whether it is known. */
function tally(
  records: readonly BuiltRecord[],
  moment: CountedMoment | ((starts: readonly number[]) => CountedMoment),
  wholeFromXid?: number,
) {
  const builder = new WalBuilder();
  const starts = records.map((record) => builder.record(record));
  const options: RowTallyOptions = {
    moments: [{ database, moment: typeof moment === 'function' ? moment(starts) : moment }],
    ...(wholeFromXid === undefined ? {} : { wholeFromXid }),
  };
  const rows = new RowTally(options);
  const reader = new WalReader({ startLsn: builder.startLsn });
  for (const record of reader.read(builder.bytes())) rows.add(record);
  const { files, incomplete } = rows.finish();
  const file = files.find((each) => each.filenode === filenode);
  return {
    change: file?.change ?? 0,
    isUncertain: file?.isUncertain ?? false,
    isComplete: incomplete.length === 0,
  };
}

const known = { isUncertain: false, isComplete: true };

describe('rows after a count', () => {
  it('are those of transactions that the snapshot did not see, wherever their COMMIT stands', () => {
    const moment = { kind: 'snapshot', xmin: 10, xmax: 14, running: [10, 12] } as const;
    const records = [9, 10, 11, 12, 13, 14, 15].flatMap((xid) => [insert(xid), commit(xid)]);
    // 12 never ends, and 16 is not there.
    const seen = records.filter((each) => each !== records[7]);
    expect(tally(seen, moment, 3)).toEqual({ change: 3, ...known });
  });

  it('are found beyond the end of transaction ids', () => {
    const last = 2 ** 32 - 1;
    const moment = { kind: 'snapshot', xmin: last - 1, xmax: 4, running: [last - 1] } as const;
    const records = [last - 2, last - 1, last, 3, 4, 5].flatMap((xid) => [
      insert(xid),
      commit(xid),
    ]);
    expect(tally(records, moment, last - 2)).toEqual({ change: 3, ...known });
  });

  it('are unknown when a transaction may have begun before the log', () => {
    const moment = { kind: 'snapshot', xmin: 10, xmax: 11, running: [10] } as const;
    expect(tally([insert(10), running(11), commit(10)], moment)).toMatchObject({
      isComplete: false,
    });
    // Its COMMIT may stand there already, while it waits for a standby.
    expect(tally([running(11)], moment)).toMatchObject({ isComplete: false });
    expect(tally([running(10), insert(10), commit(10)], moment)).toEqual({ change: 1, ...known });
    expect(tally([insert(10), commit(10)], moment)).toMatchObject({ isComplete: false });
    expect(tally([insert(10), commit(10)], moment, 10)).toEqual({ change: 1, ...known });
    expect(tally([insert(10), commit(10)], moment, 11)).toMatchObject({ isComplete: false });
    const later = { ...moment, xmin: 11, running: [] };
    expect(tally([insert(11), commit(11)], later)).toEqual({ change: 1, ...known });
  });

  it('of a standby are those of later commits, and unknown of one that was just replayed', () => {
    const records = [insert(10), commit(10), insert(11), commit(11), insert(12), commit(12)];
    const at = (from: number, to: number) =>
      tally(
        records,
        (starts) => ({ kind: 'replay', from: starts[from] as number, to: starts[to] as number }),
        3,
      );
    expect(at(2, 2)).toEqual({ change: 2, ...known });
    expect(at(4, 4)).toEqual({ change: 1, ...known });
    // The record at `to` may have been half replayed.
    expect(at(3, 3)).toMatchObject({ isUncertain: true });
    expect(at(2, 4)).toMatchObject({ isUncertain: true });
  });

  it('of other databases do not count', () => {
    const moment = { kind: 'snapshot', xmin: 3, xmax: 3, running: [] } as const;
    const builder = new WalBuilder();
    for (const each of [insert(10), commit(10)]) builder.record(each);
    const rows = new RowTally({ moments: [{ database: 6, moment }] });
    const reader = new WalReader({ startLsn: builder.startLsn });
    for (const record of reader.read(builder.bytes())) rows.add(record);
    expect(rows.finish()).toMatchObject({ files: [], incomplete: [] });
  });
});
