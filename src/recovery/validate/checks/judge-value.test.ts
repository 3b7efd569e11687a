import { describe, expect, it } from 'vitest';
import { judgeValue } from './judge-value.ts';

const moment = new Date('2026-11-26T04:00:00Z');
const judge = (rules: object, value: string | null, former?: number) =>
  judgeValue({ name: 'n', sql: '', database: 'd', ...rules }, [{ value }], { former, moment });

describe('the value of a check', () => {
  it.each([
    [{ atLeast: 10 }, '10', []],
    [{ atLeast: 10 }, '9', ['it is 9, below 10']],
    [{ atMost: 10 }, '10.5', ['it is 10.5, above 10']],
    [{ atLeast: 1, atMost: 2 }, 'many', ['it is no number: many']],
    [{ atLeast: 1 }, '', ['it is no number: ']],
    [{ atLeast: 1 }, null, ['the query gives no value (null)']],
    [{ equals: 1 }, '1.0', []],
    [{ equals: 'yes' }, 'no', ['it is no, not yes']],
    [{ equals: true }, 'true', []],
    [{ equals: 0 }, '0', []],
  ])('under %j is %j: %j', (rules, value, problems) => {
    expect(judge(rules, value).problems).toEqual(problems);
  });

  it('is compared with that of the last proof', () => {
    const rules = { dropAtMost: 0.05 };
    expect(judge(rules, '95', 100)).toEqual({ problems: [], value: 95 });
    expect(judge(rules, '94', 100).problems).toEqual([
      'it is 94, more than 5% below 100, its value in the last proof that passed',
    ]);
    expect(judge(rules, '1')).toEqual({ problems: [], value: 1 });
  });

  it('that is a time is compared with the moment of the data', () => {
    const rules = { notOlderThanMs: 3_600_000 };
    const at = (iso: string) => String(Date.parse(iso) / 1000);
    expect(judge(rules, at('2026-11-26T03:00:00Z')).problems).toEqual([]);
    expect(judge(rules, at('2026-11-26T02:59:00Z')).problems).toEqual([
      'it is 2026-11-26T02:59:00.000Z, 1h 1m before 2026-11-26T04:00:00.000Z; 1h 0m are allowed',
    ]);
    expect(judge(rules, 'Infinity').problems).toHaveLength(1);
  });

  it('is one', () => {
    const check = { name: 'n', sql: '', database: 'd', atLeast: 1 };
    const none = judgeValue(check, [], { former: undefined, moment });
    const two = judgeValue(check, [{ value: '1' }, { value: '2' }], { former: undefined, moment });
    expect(none.problems).toEqual(['the query gives no row']);
    expect(two.problems).toEqual(['the query gives more than one row']);
  });
});
