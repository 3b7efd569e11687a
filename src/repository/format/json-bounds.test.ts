import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BlobId } from '../repository.ts';
import { encodeIndex } from './index-file.ts';
import { refuseJsonBomb } from './json-bounds.ts';
import { encodeTree } from './tree.ts';

const refused = (text: string) => {
  try {
    refuseJsonBomb(text, 'x');
    return false;
  } catch {
    return true;
  }
};
const lengthWanted = 5 * 1024 * 1024;
const times = (part: string) => part.repeat(Math.ceil(lengthWanted / part.length));

describe('JSON made to fill the memory', () => {
  it.each([
    ['nesting', '['],
    ['nested objects', '{"a":'],
    ['empty objects', '{},'],
    ['empty arrays', '[],'],
    ['nesting after strings', '["\\\\",'],
  ])('of %s is refused', (_name, part) => {
    expect(refused(`{"nodes":[${times(part)}`)).toBe(true);
  });

  it('is not what looks like it within strings', () => {
    const inside = fc.constantFrom('[[[[[[[[', '{}{}{}', '\\', '"', '\\"', '[\\\\[');
    fc.assert(
      fc.property(fc.array(inside, { minLength: 1 }), (parts) => {
        const text = JSON.stringify({ name: times(parts.join('')) });
        expect(refused(text)).toBe(false);
      }),
      { numRuns: 10 },
    );
  });

  it('is not what programs write', () => {
    const id = 'cd'.repeat(32) as BlobId;
    const blob = { id, type: 'data', offset: 0, length: 33, uncompressedLength: 0 } as const;
    const packs = Array.from({ length: 40_000 }, () => ({ name: id, blobs: [blob] }));
    expect(refused(encodeIndex(packs))).toBe(false);
    const nodes = Array.from({ length: 30_000 }, (_, number) => {
      const file = { type: 'file' as const, mode: 0, mtimeNs: 0n, uid: 0, gid: 0 };
      return { name: String(number), ...file, content: [] };
    });
    expect(refused(encodeTree(nodes).toString())).toBe(false);
  });
});
