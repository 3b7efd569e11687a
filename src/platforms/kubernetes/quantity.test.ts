import { expect, it } from 'vitest';
import { parseQuantity } from './quantity.ts';

it.each([
  ['250m', 0.25],
  ['1', 1],
  ['1.5', 1.5],
  ['123456789n', 0.123456789],
  ['12u', 0.000012],
  ['34Mi', 34 * 2 ** 20],
  ['2Gi', 2 * 2 ** 30],
  ['3k', 3000],
  ['5M', 5e6],
  ['1e3', 1000],
  ['1E3', 1000],
  ['1E', 1e18],
])('reads %s', (text, value) => {
  expect(parseQuantity(text)).toBeCloseTo(value, 12);
});

it.each(['', 'Mi', '1x', '-', '1 Gi', '1ki', 'NaN'])(
  'does not take "%s" for a quantity',
  (text) => {
    expect(parseQuantity(text)).toBeUndefined();
  },
);
