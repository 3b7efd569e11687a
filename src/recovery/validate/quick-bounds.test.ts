import { expect, it } from 'vitest';
import { countedQuickly, quickBounds } from './quick-bounds.ts';

const { countedBytes } = quickBounds;
const sizes = (...bytes: readonly number[]) => bytes.map((each) => ({ bytes: each }));

it('everything, where it is little', () => {
  const tables = sizes(countedBytes - 3, 1, 2);
  expect(countedQuickly(tables)).toEqual({ counted: sizes(1, 2, countedBytes - 3), left: [] });
  expect(countedQuickly([])).toEqual({ counted: [], left: [] });
});

it('the small ones, where one is large', () => {
  const tables = sizes(0, countedBytes * 4, countedBytes / 2, 5, countedBytes * 3);
  expect(countedQuickly(tables)).toEqual({
    counted: sizes(0, 5, countedBytes / 2),
    left: sizes(countedBytes * 3, countedBytes * 4),
  });
});

it('a part of very much', () => {
  const tables = sizes(...Array.from({ length: 64 }, () => countedBytes));
  expect(countedQuickly(tables).counted).toHaveLength(4);
});
