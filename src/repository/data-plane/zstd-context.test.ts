import { randomBytes } from 'node:crypto';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fuzzRuns } from '../../../test/support/fuzz.ts';
import { publicContext, zstdContext } from './zstd-context.ts';

describe.each([
  ['reused', zstdContext({ level: 1 })],
  ['reused, with short matches', zstdContext({ level: 2, minMatch: 5 })],
  ['reused, in steps', zstdContext({ level: 1, step: 2 })],
  ['public', publicContext({ level: 1 })],
])('zstd context, %s', (_name, context) => {
  it('makes frames that anyone reads, and reads frames that anyone made', () => {
    for (const length of [1, 2, 1000, 65_536, 1_000_000, 9_000_000]) {
      for (const plain of [randomBytes(length), Buffer.alloc(length, 'text ')]) {
        expect(zstdDecompressSync(context.compress(plain)).equals(plain)).toBe(true);
        const params = { [constants.ZSTD_c_compressionLevel]: 7 };
        const frame = zstdCompressSync(plain, { params });
        expect(Buffer.compare(context.decompress(frame, length) ?? Buffer.of(), plain)).toBe(0);
        const target = Buffer.alloc(length);
        expect(context.decompressInto(frame, target)).toBe(true);
        expect(target.equals(plain)).toBe(true);
        expect(context.decompressInto(frame, Buffer.alloc(length + 1))).toBe(false);
      }
    }
  });

  it('is none the worse for bad input, whatever came before', () => {
    const plain = Buffer.from('a sound content of some length, a sound content of some length');
    const frame = Buffer.from(context.compress(plain));
    const bad = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.nat(frame.length - 1).map((length) => frame.subarray(0, length)),
      fc.nat(frame.length - 1).map((at) => frame.map((byte, i) => (i === at ? byte ^ 0x55 : byte))),
    );
    fc.assert(
      fc.property(bad, fc.nat(200), (bytes, plainLength) => {
        const result = context.decompress(bytes, plainLength);
        expect(result === undefined || result.length === plainLength).toBe(true);
        expect(Buffer.from(context.decompress(frame, plain.length) ?? [])).toEqual(plain);
        expect(zstdDecompressSync(context.compress(plain)).equals(plain)).toBe(true);
      }),
      { numRuns: fuzzRuns(300) },
    );
  });
});

describe('zstd context', () => {
  it('is the reused one in the Node that the project brings along', () => {
    // The self-test chose the fallback: the undocumented calls changed, and backups are half as fast.
    expect(zstdContext({ level: 1 }).compress.toString()).not.toBe(
      publicContext({ level: 1 }).compress.toString(),
    );
  });
});
