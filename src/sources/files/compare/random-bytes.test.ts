import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { looksRandom } from './random-bytes.ts';

it('random bytes look random, at whatever length tells anything', () => {
  for (const length of [512, 1000, 4096, 65_536, 1_000_000]) {
    for (let round = 0; round < 20; round++) expect(looksRandom(randomBytes(length))).toBe(true);
  }
});

it('text, programs, zeroes and base64 do not', () => {
  const own = readFileSync(import.meta.filename);
  expect(looksRandom(own)).toBe(false);
  expect(looksRandom(readFileSync(process.execPath).subarray(0, 65_536))).toBe(false);
  expect(looksRandom(new Uint8Array(4096))).toBe(false);
  expect(looksRandom(Buffer.from(randomBytes(4096).toString('base64')))).toBe(false);
});

it('what is compressed does: that alone means nothing', () => {
  const text = Array.from({ length: 20_000 }, (_, at) => `${at} ${at * at}\n`).join('');
  expect(looksRandom(gzipSync(text))).toBe(true);
});

it('a few bytes say nothing', () => {
  expect(looksRandom(randomBytes(511))).toBeUndefined();
});
