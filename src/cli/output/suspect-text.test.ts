import { expect, it } from 'vitest';
import type { LossSuspect } from '../../recovery/index.ts';
import type { Style } from './style.ts';
import { describeSuspect } from './suspect-text.ts';

const plain = new Proxy({}, { get: () => (text: string) => text }) as Style;

it('keeps the name of a table on its line: it cannot pretend to be another one', () => {
  const forged = 'x\n    rescued yesterday';
  const table = { database: 'shop', schema: 'public', name: forged, action: 'deleted', rows: 5 };
  const suspect = {
    kind: 'delete',
    severity: 'high',
    xid: 784,
    commitTime: '2026-11-26T11:21:17.000Z',
    target: { lsn: '0/1' },
    tables: [{ ...table, rowsSource: 'wal', rowsBefore: null }],
    databases: [{ oid: 5, name: forged }],
    certain: true,
    recoverable: true,
    action: 'rescue',
  } as unknown as LossSuspect;
  const lines = describeSuspect(suspect, undefined, (...words) => words.join(' '), plain).split(
    '\n',
  );
  expect(lines[1]).toContain('shop: x\\x0a    rescued yesterday: 5 rows deleted');
  expect(lines[2]).toContain('x\\x0a    rescued yesterday is gone');
});
