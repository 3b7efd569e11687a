import { randomFillSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { compressBlob, inflateBlob } from './blob-codec.ts';
import { zstdContext } from './zstd-context.ts';

const MiB = 2 ** 20;

/** Words, every second 64 KiB of them replaced by what does not compress. */
function halfRandom(bytes: number): Buffer {
  const content = words(bytes);
  for (let at = 0; at < bytes; at += 128 * 1024) {
    randomFillSync(content, at, Math.min(64 * 1024, bytes - at));
  }
  return content;
}

function words(bytes: number): Buffer {
  const text = Array.from({ length: bytes / 4 }, () => Math.floor(900 * Math.random())).join(' ');
  return Buffer.from(text).subarray(0, bytes);
}

const compressed = (plain: Buffer) => Buffer.from(compressBlob('data', plain));
const withLevel = (level: number, plain: Buffer, minMatch?: number) =>
  Buffer.from(zstdContext(minMatch ? { level, minMatch } : { level }).compress(plain));

describe('pieces of large files', () => {
  it('cost less after one of which more than half stayed, and level 3 after one that compressed well', () => {
    const [mixed, dense] = [halfRandom(2 * MiB), words(MiB)];
    expect(compressed(mixed).equals(withLevel(3, mixed))).toBe(true);
    const cheaper = compressed(mixed);
    expect(cheaper.equals(withLevel(2, mixed, 5))).toBe(true);
    expect(Buffer.compare(inflateBlob(cheaper, mixed.length), mixed)).toBe(0);
    expect(compressed(dense).equals(withLevel(2, dense, 5))).toBe(true);
    expect(compressed(dense).equals(withLevel(3, dense))).toBe(true);
  });

  it('leave alone how smaller blobs and trees are compressed', () => {
    const [mixed, dense, small] = [halfRandom(MiB), words(300_000), words(20_000)];
    compressed(mixed);
    expect(compressed(mixed).equals(withLevel(2, mixed, 5))).toBe(true);
    expect(compressed(dense).equals(withLevel(3, dense))).toBe(true);
    expect(compressed(small).equals(withLevel(1, small))).toBe(true);
    const tree = words(MiB);
    expect(Buffer.from(compressBlob('tree', tree)).equals(withLevel(3, tree))).toBe(true);
    expect(compressed(mixed).equals(withLevel(2, mixed, 5))).toBe(true);
  });
});

describe('pages of a database', () => {
  it('are searched in steps, and stay about as small', () => {
    const pages = words(64 * 1024);
    const stored = Buffer.from(compressBlob('data', pages, true));
    const whole = withLevel(1, pages);
    expect(stored.equals(whole)).toBe(false);
    // Without compressed literals it would be twice that.
    expect(stored.length).toBeLessThan(whole.length * 1.15);
    expect(Buffer.compare(inflateBlob(stored, pages.length), pages)).toBe(0);
  });
});
