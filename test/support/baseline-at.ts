import type {
  BaselineRecord,
  BaselineTable,
} from '../../src/sources/postgres/baseline/baseline-record.ts';

/** A baseline of one database by the timer. */
export function baselineAt(timeMs: number, tables: readonly BaselineTable[]): BaselineRecord {
  const time = new Date(timeMs).toISOString();
  const counted = { kind: 'snapshot', xmin: 1, xmax: 1, running: [] } as const;
  return {
    format: 1,
    systemId: '1',
    timeline: 1,
    lsn: '0/1',
    time,
    reason: 'timer',
    wholeFrom: { lsn: '0/1', xid: 1 },
    databases: [
      { oid: 5, name: 'shop', moment: { time, lsn: '0/1', counted }, tables: [...tables] },
    ],
  };
}
