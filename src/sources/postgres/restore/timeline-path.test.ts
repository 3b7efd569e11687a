import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isLifeboatError } from '../../../core/index.ts';
import { parseLsn } from '../../../wal/index.ts';
import { parseHistory, pathPasses, timelineAt, timelineOfSegment } from './timeline-path.ts';

const text =
  '1\t0/5000100\tno recovery target specified\n\n# a comment\n3\t0/9000000\tbefore 2026\n';

test('a history becomes a path without holes', () => {
  const path = parseHistory(text, 4);
  expect(path.map(({ timeline, begin }) => [timeline, begin])).toEqual([
    [1, 0n],
    [3, parseLsn('0/5000100')],
    [4, parseLsn('0/9000000')],
  ]);
  expect(timelineAt(path, parseLsn('0/50000FF'))).toBe(1);
  expect(timelineAt(path, parseLsn('0/5000100'))).toBe(3);
  expect(timelineAt(path, parseLsn('F/0'))).toBe(4);
  // The segment a timeline began in is asked for under the new name first.
  expect(timelineOfSegment(path, parseLsn('0/6000000'))).toBe(3);
  expect(timelineOfSegment(path, parseLsn('0/5000000'))).toBe(1);
  expect(timelineOfSegment(path, parseLsn('0/9000000'))).toBe(3);
  expect(pathPasses(path, 1, parseLsn('0/5000100'))).toBe(true);
  expect(pathPasses(path, 1, parseLsn('0/5000101'))).toBe(false);
  expect(pathPasses(path, 2, parseLsn('0/1'))).toBe(false);
});

test.each(['nonsense', '4\t0/1\t', '2\t0/2\n1\t0/3', '1\t0/3\n2\t0/2', '1 x/y'])(
  'refuses %j',
  (line) => {
    expect(() => parseHistory(line, 4)).toThrow('history of timeline 4');
  },
);

test('any text parses or is refused', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 2 ** 31 }), (any, timeline) => {
      try {
        expect(parseHistory(any, timeline).at(-1)?.timeline).toBe(timeline);
      } catch (error) {
        if (!isLifeboatError(error, 'wal.invalid')) throw error;
      }
    }),
  );
});
