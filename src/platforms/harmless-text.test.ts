import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { harmlessLines, harmlessText } from './harmless-text.ts';

describe('what a program said, made harmless', () => {
  it('has no sequences for a terminal', () => {
    const hostile =
      '\u001b[2J\u001b]0;title\u0007\u001b[31mred\u001b[0m\u001bcdone\r\u0008\u202eback';
    expect(harmlessText(hostile)).toBe('reddoneback');
  });

  it('has no passwords in addresses', () => {
    const text = 'cannot reach postgres://shop:hunter2@db:5432/shop or https://u:p%40x@host/';
    expect(harmlessText(text)).toBe(
      'cannot reach postgres://shop:[secret]@db:5432/shop or https://u:[secret]@host/',
    );
  });

  it('keeps lines, and empty ones between them', () => {
    expect(harmlessLines('one\r\n\ntwo\n')).toEqual(['one', '', 'two']);
    expect(harmlessLines('')).toEqual([]);
  });

  it('never lets a control character through, whatever comes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        return !/[^\P{Cc}\n\t]|\p{Bidi_Control}/u.test(harmlessText(text));
      }),
    );
  });
});
