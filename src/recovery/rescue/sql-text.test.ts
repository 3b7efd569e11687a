import { describe, expect, it } from 'vitest';
import { formatTupleId, tupleId } from './destruction.ts';
import { displayName, quoteName, quoteText } from './sql-text.ts';

describe('SQL text', () => {
  it('keeps hostile names and values inside their quotes', () => {
    expect(quoteName('a"; drop table x; --')).toBe('"a""; drop table x; --"');
    expect(quoteText("it's")).toBe("'it''s'");
    expect(quoteText("\\' or 1=1")).toBe(" E'\\\\'' or 1=1'");
  });

  it('shows plain names plainly', () => {
    expect(displayName('public', 'orders')).toBe('public.orders');
    expect(displayName('public', 'Order Lines')).toBe('public."Order Lines"');
  });

  it('writes tuple ids as the server does, up to the last block', () => {
    expect(formatTupleId(tupleId(0, 1))).toBe('(0,1)');
    expect(formatTupleId(tupleId(0xffff_fffe, 0xffff))).toBe('(4294967294,65535)');
  });
});
