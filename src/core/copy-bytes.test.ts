import { describe, expect, it } from 'vitest';
import { copyBytes } from './copy-bytes.ts';

describe.each([
  ['own', (bytes: number) => new Uint8Array(bytes)],
  ['shared', (bytes: number) => new Uint8Array(new SharedArrayBuffer(bytes))],
])('bytes copied to %s memory', (_name, memory) => {
  const from = Uint8Array.from({ length: 300 }, (_, i) => i);

  it('lie where they were wanted, and nothing else changes', () => {
    const to = memory(1000).fill(9);
    copyBytes(from.subarray(1, 300), to.subarray(100), 50);
    expect(to.subarray(150, 449)).toEqual(from.subarray(1));
    expect(to.subarray(0, 150).every((byte) => byte === 9)).toBe(true);
    expect(to.subarray(449).every((byte) => byte === 9)).toBe(true);
  });

  it('may be none', () => {
    const to = memory(10).fill(9);
    copyBytes(new Uint8Array(0), to, 10);
    expect(to.every((byte) => byte === 9)).toBe(true);
  });

  it('are not copied where there is no room', () => {
    const to = memory(100);
    expect(() => copyBytes(from, to, 0)).toThrow(RangeError);
    expect(to.every((byte) => byte === 0)).toBe(true);
  });
});
