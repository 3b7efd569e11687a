import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { slotName } from './slot.ts';

describe('slot name', () => {
  it('is the name of the source where that is allowed', () => {
    expect(slotName('shop_1')).toBe('lifeboat_shop_1');
  });

  it('is valid and differs for sources that differ only in what a slot may not have', () => {
    const names = ['shop-1', 'shop.1', 'Shop_1', 'x'.repeat(80), `${'x'.repeat(80)}y`].map(
      slotName,
    );
    expect(new Set([...names, slotName('shop_1')]).size).toBe(6);
    fc.assert(
      fc.property(fc.string(), (source) => {
        expect(slotName(source)).toMatch(/^[a-z0-9_]{1,63}$/);
      }),
    );
  });
});
