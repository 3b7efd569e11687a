import { describe, expect, it } from 'vitest';
import { compareTable, RowLedger } from './row-ledger.ts';

const print = (digit: string) => digit.repeat(32);

describe('the ledger of the demo', () => {
  it('expects the rows from before the accident and all that the writer wrote, in their newest state', () => {
    const ledger = new RowLedger();
    ledger.note('orders', '3', print('a'));
    ledger.setBefore(
      'orders',
      new Map([
        ['1', print('1')],
        ['2', print('2')],
      ]),
    );
    ledger.note('orders', '2', print('b'));
    expect(Object.fromEntries(ledger.expected('orders'))).toEqual({
      1: print('1'),
      2: print('b'),
      3: print('a'),
    });
  });

  it('sees a missing, a changed and a row too many', () => {
    const expected = new Map([
      ['1', print('1')],
      ['2', print('2')],
      ['3', print('3')],
    ]);
    const same = compareTable('orders', expected, new Map([...expected].reverse()));
    expect(same).toMatchObject({ missing: 0, changed: 0, unexpected: 0 });
    expect(same.checksumFound).toBe(same.checksumExpected);
    const found = new Map([
      ['1', print('1')],
      ['2', print('9')],
      ['4', print('4')],
    ]);
    const other = compareTable('orders', expected, found);
    expect(other).toMatchObject({ missing: 1, changed: 1, unexpected: 1 });
    expect(other.checksumFound).not.toBe(other.checksumExpected);
  });
});
