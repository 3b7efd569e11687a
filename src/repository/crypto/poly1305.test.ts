import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { poly1305 } from './poly1305.ts';
import { poly1305Reference } from './poly1305-reference.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
const zeros = '00'.repeat(16);
const ones = 'ff'.repeat(16);

// RFC 8439, section 2.5.2 and appendix A.3: r, s, message, tag.
const vectors: readonly (readonly [string, string, Uint8Array, string])[] = [
  [
    '85d6be7857556d337f4452fe42d506a8',
    '0103808afb0db2fd4abff6af4149f51b',
    Buffer.from('Cryptographic Forum Research Group'),
    'a8061dc1305136c6c22b8baf0c0127a9',
  ],
  [zeros, zeros, Buffer.alloc(64), zeros],
  [`02${'00'.repeat(15)}`, zeros, hex(ones), `03${'00'.repeat(15)}`],
  [`02${'00'.repeat(15)}`, ones, hex(`02${'00'.repeat(15)}`), `03${'00'.repeat(15)}`],
  [
    `01${'00'.repeat(15)}`,
    zeros,
    hex(`${ones}f0${'ff'.repeat(15)}11${'00'.repeat(15)}`),
    `05${'00'.repeat(15)}`,
  ],
  [`01${'00'.repeat(15)}`, zeros, hex(`${ones}fb${'fe'.repeat(15)}${'01'.repeat(16)}`), zeros],
  [`02${'00'.repeat(15)}`, zeros, hex(`fd${'ff'.repeat(15)}`), `fa${'ff'.repeat(15)}`],
  [
    '01000000000000000400000000000000',
    zeros,
    hex(
      `e33594d7505e43b900000000000000003394d7505e4379cd0100000000000000${zeros}01${'00'.repeat(15)}`,
    ),
    '14000000000000005500000000000000',
  ],
  [
    '01000000000000000400000000000000',
    zeros,
    hex(`e33594d7505e43b900000000000000003394d7505e4379cd0100000000000000${zeros}`),
    '13000000000000000000000000000000',
  ],
];

describe('poly1305', () => {
  it.each(vectors.map((vector, number) => ({ number, vector })))(
    'gives the tag of RFC 8439 vector $number',
    ({ vector: [r, s, message, tag] }) => {
      expect(Buffer.from(poly1305(hex(r), hex(s), message)).toString('hex')).toBe(tag);
      expect(Buffer.from(poly1305Reference(hex(r), hex(s), message)).toString('hex')).toBe(tag);
    },
  );

  it('agrees with the reference for every length up to 200', () => {
    const [r, s, message] = [randomBytes(16), randomBytes(16), randomBytes(200)];
    for (let length = 0; length <= 200; length++) {
      const part = message.subarray(0, length);
      expect(Buffer.from(poly1305(r, s, part))).toEqual(Buffer.from(poly1305Reference(r, s, part)));
    }
  });

  it('agrees with the reference on extreme bytes, where carries run furthest', () => {
    const extreme = fc.array(fc.constantFrom(0, 1, 0xfb, 0xfc, 0xfe, 0xff), { maxLength: 400 });
    const key = fc.array(fc.constantFrom(0, 1, 0xfc, 0xff), { minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(key, key, extreme, (r, s, message) => {
        const [rBytes, sBytes] = [Uint8Array.from(r), Uint8Array.from(s)];
        const bytes = Uint8Array.from(message);
        expect(Buffer.from(poly1305(rBytes, sBytes, bytes))).toEqual(
          Buffer.from(poly1305Reference(rBytes, sBytes, bytes)),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('agrees with the reference across the window of the kernel memory', () => {
    const [r, s] = [randomBytes(16), randomBytes(16)];
    for (const length of [588_799, 588_800, 588_801, 1_200_005]) {
      const message = randomBytes(length);
      expect(Buffer.from(poly1305(r, s, message))).toEqual(
        Buffer.from(poly1305Reference(r, s, message)),
      );
    }
  });
});
