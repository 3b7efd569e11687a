import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { searchOutput } from './search-output.ts';

describe('errors in the output of a service', () => {
  const lines = [
    '2026-11-26 03:01:02 INFO started in 12 ms',
    '2026-11-26 03:01:03 ERROR could not reach 10.0.0.1:5432 (request 8f3a-11)',
    '2026-11-26 03:01:09 error could not reach 10.0.0.7:5432 (request 9c3b-12)',
    'Traceback: KeyError',
  ];

  it('are told once for each form, with how often', () => {
    const found = searchOutput(lines);
    expect(found.map(({ example, count, isKnown }) => [example, count, isKnown])).toEqual([
      [lines[1], 2, false],
      [lines[3], 1, false],
    ]);
  });

  it('are known when their form was seen before', () => {
    const known = new Set(searchOutput(lines.slice(1, 2)).map(({ form }) => form));
    expect(searchOutput(lines, undefined, known).map(({ isKnown }) => isKnown)).toEqual([
      true,
      false,
    ]);
  });

  it('are what the user says they are', () => {
    expect(searchOutput(lines, ['traceback']).map(({ example }) => example)).toEqual([lines[3]]);
    expect(searchOutput(lines, ['nothing of this'])).toEqual([]);
  });

  it('count every line that has such a text, once', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (any) => {
        const expected = any.filter((line) => line.toLowerCase().includes('err')).length;
        const counted = searchOutput(any, ['ERR']).reduce((sum, { count }) => sum + count, 0);
        expect(counted).toBe(expected);
      }),
    );
  });

  it('do not fill a screen', () => {
    expect(searchOutput([`error ${'x'.repeat(5000)}`])[0]?.example).toHaveLength(300);
  });
});
