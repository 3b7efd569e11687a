import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fuzzRuns } from '../../test/support/fuzz.ts';
import { crc32c, crc32cKernel } from './crc32c.ts';
import { crc32cOfParts } from './crc32c-part.ts';

/** Bit by bit, as the polynomial reads. */
function readable(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

describe('crc32c', () => {
  // RFC 3720, appendix B.4.
  it.each([
    ['32 bytes of zeroes', new Uint8Array(32), 0x8a91_36aa],
    ['32 bytes of ones', new Uint8Array(32).fill(0xff), 0x62a8_ab43],
    ['32 incrementing bytes', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd_794e],
    ['32 decrementing bytes', Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113f_db5c],
    ['the check value', Buffer.from('123456789'), 0xe306_9283],
    ['nothing', new Uint8Array(0), 0],
  ])('matches the published vector for %s', (_name, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
  });

  it('equals the readable definition, whole and in parts', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), (bytes, cut) => {
        const at = Math.min(cut, bytes.length);
        expect(crc32c(bytes)).toBe(readable(bytes));
        expect(crc32c(bytes.subarray(at), crc32c(bytes.subarray(0, at)))).toBe(readable(bytes));
      }),
    );
  });

  it('equals it where bytes are folded first', () => {
    const random = fc.tuple(fc.nat(3), fc.integer({ min: 0, max: 2 ** 31 }), fc.nat(5000));
    fc.assert(
      fc.property(random, ([folds, seed, more]) => {
        let state = seed;
        const bytes = Uint8Array.from({ length: 13_000 + folds * 3344 + more }, () => {
          state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
          return state >>> 16;
        });
        expect(crc32c(bytes)).toBe(readable(bytes));
        expect(crc32c(bytes, seed)).toBe(
          crc32c(bytes.subarray(100), crc32c(bytes.subarray(0, 100), seed)),
        );
      }),
      { numRuns: fuzzRuns(200) },
    );
  });

  it('follows from those of the parts', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.integer({ min: 1, max: 90 }),
        (bytes, part) => {
          const sums = new Uint32Array(Math.ceil(bytes.length / part));
          for (const index of sums.keys()) {
            sums[index] = crc32c(bytes.subarray(index * part, (index + 1) * part));
          }
          expect(crc32cOfParts(sums, part, bytes.length)).toBe(crc32c(bytes));
        },
      ),
    );
    const [text, zeroes] = [Buffer.from('x'.repeat(1000)), Buffer.alloc(999_001)];
    const whole = Buffer.concat([text, zeroes]);
    const sums = Uint32Array.of(
      crc32c(whole.subarray(0, 600_000)),
      crc32c(whole.subarray(600_000)),
    );
    expect(crc32cOfParts(sums, 600_000, whole.length)).toBe(crc32c(whole));
  });

  it('takes more bytes than its window', () => {
    const bytes = Uint8Array.from({ length: 600_001 }, (_, i) => i * 7);
    expect(crc32c(bytes)).toBe(readable(bytes));
  });

  it('checks a record: body first, then the header before its checksum', () => {
    const kernel = crc32cKernel(4096);
    const record = Uint8Array.from({ length: 77 }, (_, i) => i * 3);
    kernel.memory.set(record, kernel.input + 8);
    const expected = readable(Buffer.concat([record.subarray(24), record.subarray(0, 20)]));
    expect(kernel.record(kernel.input + 8, 77) >>> 0).toBe(expected);
  });
});
