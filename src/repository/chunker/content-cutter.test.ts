import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { keyFromBytes } from '../crypto/key-derivation.ts';
import {
  chunkMaxBytes,
  chunkMinBytes,
  chunkWindowBytes,
  createContentCutter,
} from './content-cutter.ts';
import { chunkLengthsReference } from './content-cutter-reference.ts';
import { createRabinCutter } from './rabin-cutter.ts';

const key = keyFromBytes(Uint8Array.from({ length: 64 }, (_, i) => i));
const MiB = 1024 * 1024;

/** Bytes that look random and are the same in every run. */
function content(length: number, seed: string): Buffer {
  const parts: Buffer[] = [];
  for (let i = 0; i * 32 < length; i++) {
    parts.push(createHash('sha256').update(`${seed} ${i}`).digest());
  }
  return Buffer.concat(parts).subarray(0, length);
}

function chunkLengths(bytes: Uint8Array, cutter = createContentCutter(key)): number[] {
  const lengths: number[] = [];
  for (let at = 0; at < bytes.length; at += lengths.at(-1) as number) {
    lengths.push(cutter.cut(bytes.subarray(at), true) as number);
  }
  return lengths;
}

const sample = content(12 * MiB, 'sample');

describe('content cutter', () => {
  it('cuts where the readable reference cuts', () => {
    const lengths = chunkLengths(sample);
    expect(lengths).toEqual(chunkLengthsReference(key, sample));
    expect(lengths.length).toBeGreaterThan(6);
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(sample.length);
  });

  it('keeps between the smallest and the largest length', () => {
    const uniform = new Uint8Array(20 * MiB).fill(7);
    expect(chunkLengths(uniform)).toEqual(chunkLengthsReference(key, uniform));
    for (const length of [...chunkLengths(uniform), ...chunkLengths(sample)].slice(0, -1)) {
      expect(length).toBeLessThanOrEqual(chunkMaxBytes);
    }
    expect(Math.min(...chunkLengths(sample).slice(0, -1))).toBeGreaterThan(chunkMinBytes);
  });

  it('treats contents of up to the smallest length, and none, as they are', () => {
    const cutter = createContentCutter(key);
    expect(cutter.cut(sample.subarray(0, chunkMinBytes), true)).toBe(chunkMinBytes);
    expect(cutter.cut(sample.subarray(0, 1), true)).toBe(1);
    expect(cutter.cut(sample.subarray(0, 1), false)).toBeUndefined();
    expect(cutter.cut(new Uint8Array(0), true)).toBe(0);
  });

  it.each([
    ['gear', createContentCutter(key)],
    ['rabin', createRabinCutter(0x3da3358b4dc173n)],
  ])(
    'goes on where a former call found none, and needs no more than a window before the smallest length: %s',
    (_name, cutter) => {
      for (let at = 0; at < sample.length - chunkMaxBytes; at += MiB) {
        const bytes = Buffer.from(sample.subarray(at, at + chunkMaxBytes));
        const length = cutter.cut(bytes, false);
        bytes.fill(1, 0, cutter.minBytes - chunkWindowBytes);
        for (const step of [1000, 256 * 1024]) {
          let searched = cutter.minBytes;
          let found: number | undefined;
          while (found === undefined) {
            const more = Math.min(searched + step, bytes.length);
            found = cutter.cut(bytes.subarray(0, more), false, searched);
            searched = more;
          }
          expect(found).toBe(length);
        }
      }
    },
  );

  it('asks for more bytes instead of cutting where the bytes at hand end', () => {
    const cutter = createContentCutter(key);
    const first = chunkLengths(sample)[0] as number;
    expect(cutter.cut(sample.subarray(0, first - 1), false)).toBeUndefined();
    expect(cutter.cut(sample.subarray(0, first), false)).toBe(first);
    expect(cutter.cut(sample.subarray(0, first + 1), false)).toBe(first);
  });

  it('finds the same cuts again behind an insertion', () => {
    const before = chunkLengths(sample);
    const changed = Buffer.concat([sample.subarray(0, MiB), randomBytes(10), sample.subarray(MiB)]);
    const ends = (lengths: number[]) => {
      let sum = 0;
      return lengths.map((length) => (sum += length));
    };
    const moved = new Set(ends(chunkLengths(changed)).map((end) => end - 10));
    expect(ends(before).filter((end) => moved.has(end)).length).toBeGreaterThan(before.length / 2);
  });

  it('cuts elsewhere under another key', () => {
    const other = createContentCutter(keyFromBytes(randomBytes(64)));
    expect(chunkLengths(sample, other)).not.toEqual(chunkLengths(sample));
  });
});
