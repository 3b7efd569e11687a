import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatGoTime, parseGoTime } from './go-time.ts';

describe('times', () => {
  it.each([
    [0n, '1970-01-01T00:00:00Z'],
    [1_600_000_000_500_000_000n, '2020-09-13T12:26:40.5Z'],
    [1_600_000_000_000_000_001n, '2020-09-13T12:26:40.000000001Z'],
    [-1n, '1969-12-31T23:59:59.999999999Z'],
    [-62_167_219_200_000_000_000n, '0000-01-01T00:00:00Z'],
  ])('%d ns are written as RFC3339Nano', (timeNs, text) => {
    expect(formatGoTime(timeNs)).toBe(text);
    expect(parseGoTime(text)).toBe(timeNs);
  });

  it('outside the years 0 to 9999 are clamped', () => {
    expect(formatGoTime(2n ** 70n)).toBe('9999-12-31T23:59:59.999999999Z');
    expect(formatGoTime(-(2n ** 70n))).toBe('0000-01-01T00:00:00Z');
  });

  it('of any zone are read', () => {
    expect(parseGoTime('2020-09-13T14:26:40.25+02:00')).toBe(1_600_000_000_250_000_000n);
    expect(parseGoTime('2020-09-13T08:26:40-04:00')).toBe(1_600_000_000_000_000_000n);
  });

  it.each(['', 'yesterday', '2020-13-01T00:00:00Z', '2020-01-01 00:00:00Z', '2020-01-01T00:00:00'])(
    'that are none are refused: %j',
    (text) => expect(parseGoTime(text)).toBeUndefined(),
  );

  it('survive writing and reading', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 60n), max: 2n ** 65n }), (timeNs) => {
        expect(parseGoTime(formatGoTime(timeNs))).toBe(timeNs);
      }),
    );
  });
});
