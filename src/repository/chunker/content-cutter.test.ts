import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { keyFromBytes } from '../crypto/key-derivation.ts';
import { chunkMaxBytes, chunkMinBytes, createContentCutter } from './content-cutter.ts';
import { chunkLengthsReference } from './content-cutter-reference.ts';

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
