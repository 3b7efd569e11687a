import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { goJsonString, goQuote, goUnquote } from './go-text.ts';
import { nameBytes, nameFromBytes } from './raw-name.ts';

describe('names', () => {
  // What strconv.Quote of Go gives, without the outer quotes.
  it.each([
    ['plain name', 'plain name'],
    ['quote"back\\', 'quote\\"back\\\\'],
    ['\x07\b\f\n\r\t\v', '\\a\\b\\f\\n\\r\\t\\v'],
    ['\x00\x1f\x7f', '\\x00\\x1f\\x7f'],
    ['ü 日本 🛟 \ufffd', 'ü 日本 🛟 \ufffd'],
    ['\u00a0\u00ad\u200b\u3000\ufeff\ue000', '\\u00a0\\u00ad\\u200b\\u3000\\ufeff\\ue000'],
    ['\u{e0001}', '\\U000e0001'],
    ['\udce9\udcff', '\\xe9\\xff'],
  ])('are quoted as Go quotes them: %j', (name, quoted) => {
    expect(goQuote(name)).toBe(quoted);
    expect(goUnquote(quoted)).toBe(name);
  });

  it.each(['\\', '\\x1', '\\q', '\\ud800', '\\U00110000', '"', 'a\nb', '\\400'])(
    'that no quoting gives are refused: %j',
    (quoted) => expect(goUnquote(quoted)).toBeUndefined(),
  );

  it('of any bytes survive the way through memory and quoting', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const name = nameFromBytes(bytes);
        expect(nameBytes(name)).toEqual(Buffer.from(bytes));
        expect(goUnquote(goQuote(name))).toBe(name);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        expect(goUnquote(goQuote(name))).toBe(name);
      }),
    );
  });
});

describe('JSON strings', () => {
  it.each([
    ['<a>&"\\', '"\\u003ca\\u003e\\u0026\\"\\\\"'],
    ['\u2028\u2029', '"\\u2028\\u2029"'],
    ['\n\r\t\b\f\x01\x7f', '"\\n\\r\\t\\b\\f\\u0001\x7f"'],
    ['no UTF-8: \udce9', '"no UTF-8: \\ufffd"'],
    ['a real \ufffd and \\ud800 as text', '"a real \ufffd and \\\\ud800 as text"'],
    ['🛟', '"🛟"'],
  ])('are what encoding/json writes: %j', (text, json) => {
    expect(goJsonString(text)).toBe(json);
  });
});
