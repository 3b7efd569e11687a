import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { atPath } from './json-path.ts';

describe('a path into JSON', () => {
  const document = { data: { items: [{ id: 7 }, { id: null }] }, 'a-b': 1 };

  it.each([
    ['data.items[0].id', 7],
    ['data.items[1].id', null],
    ['a-b', 1],
    ['data.items[2].id', undefined],
    ['data.missing.id', undefined],
    ['data.items.length', 2],
    ['constructor', undefined],
    ['__proto__', undefined],
  ])('%s', (path, expected) => {
    expect(atPath(document, path)).toEqual(expected);
  });

  it('finds what was put at a path, whatever the names', () => {
    const name = fc.string({ minLength: 1 }).filter((text) => !/[.[\]]/.test(text));
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 5 }), fc.integer(), (names, value) => {
        const built = names.reduceRight<unknown>(
          (inner, each) => Object.fromEntries([[each, inner]]),
          value,
        );
        expect(atPath(built, names.join('.'))).toBe(value);
      }),
    );
  });

  it('survives any document', () => {
    fc.assert(fc.property(fc.jsonValue(), (any) => void atPath(any, 'a.b[0].c')));
  });
});
