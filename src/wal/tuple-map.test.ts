import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packTid } from './heap-record.ts';
import { TupleMap } from './tuple-map.ts';

describe('TupleMap', () => {
  it('does what a Map does', () => {
    const tid = fc
      .tuple(fc.integer({ min: 0, max: 0xffff_fffe }), fc.integer({ min: 1, max: 0xffff }))
      .map(([block, offset]) => packTid(block, offset));
    fc.assert(
      fc.property(fc.array(fc.tuple(tid, tid), { maxLength: 400 }), (pairs) => {
        const map = new TupleMap();
        for (const [key, value] of pairs) map.set(key, value);
        const expected = new Map(pairs);
        expect(map.size).toBe(expected.size);
        for (const [key, value] of expected) expect(map.get(key)).toBe(value);
        expect(map.get(packTid(1, 0))).toBeUndefined();
        const seen = new Map<number, number>();
        map.forEach((key, value) => {
          seen.set(key, value);
        });
        expect(seen).toEqual(expected);
      }),
    );
  });
});
