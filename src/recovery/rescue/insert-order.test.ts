import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { insertOrder, type Reference } from './insert-order.ts';

const reference = (child: number, parent: number, deferrable = false): Reference => ({
  child,
  parent,
  constraint: `${child}_to_${parent}`,
  deferrable,
});

describe('insertOrder', () => {
  it('puts parents before children, whatever order they come in', () => {
    const { order, forward } = insertOrder([0, 1, 2], [reference(0, 1), reference(1, 2)]);
    expect(order).toEqual([2, 1, 0]);
    expect(forward).toEqual([]);
  });

  it('does not count a reference of a table to itself', () => {
    expect(insertOrder([0], [reference(0, 0)])).toEqual({ order: [0], forward: [] });
  });

  it('breaks a circle where the reference can be deferred', () => {
    const { order, forward } = insertOrder([0, 1], [reference(0, 1), reference(1, 0, true)]);
    expect(order).toEqual([1, 0]);
    expect(forward).toEqual([reference(1, 0, true)]);
  });

  it('names every table once and every reference that points forward', () => {
    const tables = fc.integer({ min: 1, max: 8 });
    const pairs = fc.array(fc.tuple(fc.nat(7), fc.nat(7), fc.boolean()), { maxLength: 20 });
    fc.assert(
      fc.property(tables, pairs, (count, found) => {
        const names = Array.from({ length: count }, (_, index) => index);
        const references = found
          .filter(([child, parent]) => child < count && parent < count)
          .map(([child, parent, deferrable]) => reference(child, parent, deferrable));
        const { order, forward } = insertOrder(names, references);
        expect(order.toSorted()).toEqual(names);
        for (const each of references) {
          const isForward = order.indexOf(each.parent) > order.indexOf(each.child);
          expect(forward.includes(each)).toBe(isForward);
        }
      }),
    );
  });
});
