import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../stored-file.ts';
import { chosenPacks } from './pack-subset.ts';

const packs = Array.from({ length: 300 }, (_, number) => ({
  name: sha256(Buffer.from(String(number))),
  sizeBytes: 1000 + number,
}));
const count = (choose: (name: string) => boolean) =>
  packs.filter(({ name }) => choose(name)).length;

describe('a subset of packs', () => {
  it('cut into parts covers each pack exactly once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 256 }), (of) => {
        const parts = Array.from({ length: of }, (_, n) => chosenPacks(packs, { part: n + 1, of }));
        for (const { name } of packs) {
          expect(parts.filter((choose) => choose(name))).toHaveLength(1);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('by share and by size is as large as asked for, and never empty', () => {
    expect(count(chosenPacks(packs, { share: 0.1 }))).toBe(30);
    expect(count(chosenPacks(packs, { share: 0.0001 }))).toBe(1);
    expect(count(chosenPacks(packs, { share: 1 }))).toBe(300);
    const bytes = count(chosenPacks(packs, { bytes: 50_000 }));
    expect(bytes).toBeGreaterThan(35);
    expect(bytes).toBeLessThanOrEqual(50);
    expect(count(chosenPacks(packs, { bytes: 1 }))).toBe(1);
    expect(count(chosenPacks([], { bytes: 1 }))).toBe(0);
  });
});
