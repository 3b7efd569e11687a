import { describe, expect, it } from 'vitest';
import { parseTableName } from './table-name.ts';

describe('the name of a table', () => {
  it.each([
    ['orders', { name: 'orders' }],
    ['shop.orders', { schema: 'shop', name: 'orders' }],
    ['"My Shop"."Or.ders"', { schema: 'My Shop', name: 'Or.ders' }],
    ['shop."say ""hi"""', { schema: 'shop', name: 'say "hi"' }],
    ["x'; drop table y; --", { name: "x'; drop table y; --" }],
    ['Größe.line\nbreak', { schema: 'Größe', name: 'line\nbreak' }],
  ])('%j', (text, expected) => {
    expect(parseTableName(text)).toEqual(expected);
  });

  it.each(['', '.', 'a.', '.b', 'a.b.c', '"a', 'a"b', '""', '"a"b'])('%j is none', (text) => {
    expect(() => parseTableName(text)).toThrow(/not the name of a table/);
  });
});
