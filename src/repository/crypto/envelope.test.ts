import { createCipheriv, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLifeboatError } from '../../core/index.ts';
import { envelopeOverhead, open, seal } from './envelope.ts';
import { deriveBytes, deriveKey, keyFromBytes } from './key-derivation.ts';
import { poly1305Reference } from './poly1305-reference.ts';

const key = keyFromBytes(randomBytes(64));

const damaged = (work: () => unknown) => {
  try {
    work();
  } catch (error) {
    return isLifeboatError(error, 'repository.damaged');
  }
  return false;
};

describe('envelope', () => {
  it('opens what it sealed, at every length', () => {
    for (const length of [0, 1, 15, 16, 17, 63, 64, 65, 1000, 700_000]) {
      const plain = randomBytes(length);
      const sealed = seal(key, plain);
      expect(sealed.length).toBe(length + envelopeOverhead);
      expect(Buffer.compare(open(key, sealed), plain)).toBe(0);
    }
  });

  it('has the layout IV || AES-256-CTR || Poly1305-AES(ciphertext)', () => {
    const plain = Buffer.from('a plain text of more than one block');
    const sealed = Buffer.from(seal(key, plain));
    const iv = sealed.subarray(0, 16);
    const ciphertext = createCipheriv('aes-256-ctr', key.encrypt, iv).update(plain);
    const pad = createCipheriv('aes-128-ecb', key.macK, null).setAutoPadding(false).update(iv);
    expect(sealed.subarray(16, -16)).toEqual(ciphertext);
    expect(sealed.subarray(-16)).toEqual(Buffer.from(poly1305Reference(key.macR, pad, ciphertext)));
  });

  it('never uses an IV twice', () => {
    const seen = new Set<string>();
    for (let i = 0; i < 1000; i++) {
      seen.add(Buffer.from(seal(key, new Uint8Array(1)).subarray(0, 16)).toString('hex'));
    }
    expect(seen.size).toBe(1000);
  });

  it('refuses bytes with any bit changed, cut short, or under another key', () => {
    const sealed = seal(key, randomBytes(40));
    fc.assert(
      fc.property(fc.nat(sealed.length * 8 - 1), (bit) => {
        const changed = sealed.slice();
        changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
        return damaged(() => open(key, changed));
      }),
    );
    for (let length = 0; length < sealed.length; length++) {
      expect(damaged(() => open(key, sealed.subarray(0, length)))).toBe(true);
    }
    expect(damaged(() => open(deriveKey(key, 'other'), sealed))).toBe(true);
  });
});

describe('key derivation', () => {
  it('depends on the purpose and on the master key, and on nothing else', () => {
    const other = keyFromBytes(randomBytes(64));
    expect(deriveKey(key, 'log')).toEqual(deriveKey({ ...key }, 'log'));
    expect(deriveKey(key, 'log')).not.toEqual(deriveKey(key, 'record'));
    expect(deriveKey(key, 'log')).not.toEqual(deriveKey(other, 'log'));
    expect(deriveBytes(key, 'x', 2048)).toHaveLength(2048);
  });

  it('stays what it was: repositories written earlier must open', () => {
    const fixed = keyFromBytes(Uint8Array.from({ length: 64 }, (_, i) => i));
    expect(Buffer.from(deriveBytes(fixed, 'test', 8)).toString('hex')).toBe('7a4d0b1a7e5dc0e0');
  });
});
