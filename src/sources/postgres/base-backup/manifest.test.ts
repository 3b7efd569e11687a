import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fuzzRuns } from '../../../../test/support/fuzz.ts';
import { LifeboatError } from '../../../core/index.ts';
import { parseManifest } from './manifest.ts';
import { checkManifest } from './manifest-check.ts';

/** As the server writes it: the checksum covers every line before its own. */
function manifestText(version: 1 | 2, files: readonly string[]): string {
  const body = [
    `{ "PostgreSQL-Backup-Manifest-Version": ${version},`,
    ...(version === 2 ? ['"System-Identifier": 7710566952626879488,'] : []),
    '"Files": [',
    files.join(',\n'),
    '],',
    '"WAL-Ranges": [',
    '{ "Timeline": 1, "Start-LSN": "0/2000028", "End-LSN": "0/2000100" }',
    '],',
    '',
  ].join('\n');
  const checksum = createHash('sha256').update(body).digest('hex');
  return `${body}"Manifest-Checksum": "${checksum}"}\n`;
}

const entry = (path: string, checksum = '0b1c9cdb') =>
  `{ "Path": "${path}", "Size": 3, "Last-Modified": "2026-11-21 10:00:00 GMT", "Checksum-Algorithm": "CRC32C", "Checksum": "${checksum}" }`;

const parse = (text: string) => parseManifest(Buffer.from(text));

describe('manifest', () => {
  it('is read in both versions', () => {
    const encoded = '{ "Encoded-Path": "66c3bc", "Size": 0, "Last-Modified": "x" }';
    const one = parse(manifestText(1, [entry('base/1/1259'), encoded]));
    expect(one.version).toBe(1);
    expect(one.systemId).toBeUndefined();
    expect(one.files.get('base/1/1259')).toEqual({
      sizeBytes: 3,
      algorithm: 'CRC32C',
      checksum: '0b1c9cdb',
    });
    expect(one.files.get('fü')).toEqual({ sizeBytes: 0 });
    expect(one.walRanges).toEqual([{ timeline: 1, startLsn: '0/2000028', endLsn: '0/2000100' }]);
    // All 64 bits, which a JavaScript number would round.
    expect(parse(manifestText(2, [])).systemId).toBe('7710566952626879488');
  });

  it('is refused when a byte of it changed or a file is named twice', () => {
    const text = manifestText(2, [entry('base/1/1259')]);
    expect(() => parse(text.replace('1259', '1260'))).toThrow(/fails its own checksum/);
    expect(() => parse(text.slice(0, -5))).toThrow(/no JSON/);
    expect(() => parse(manifestText(1, [entry('a'), entry('a')]))).toThrow(/twice/);
  });

  it('is compared with what streamed, both ways', () => {
    const manifest = parse(manifestText(1, [entry('a'), entry('b')]));
    const same = { sizeBytes: 3, crc32c: '0b1c9cdb' };
    const check = (files: Record<string, { sizeBytes: number; crc32c: string }>) =>
      checkManifest(manifest, new Map(Object.entries(files)));
    check({ a: same, b: same });
    expect(() => check({ a: same })).toThrow(/b was not sent/);
    expect(() => check({ a: same, b: { ...same, sizeBytes: 4 } })).toThrow(/b is not what/);
    expect(() => check({ a: { ...same, crc32c: 'ffffffff' }, b: same })).toThrow(/a is not what/);
    expect(() => check({ a: same, b: same, c: same })).toThrow(/c is not in the manifest/);
  });

  it('answers hostile bytes with our error, never otherwise', () => {
    const text = Buffer.from(manifestText(2, [entry('a'), entry('b')]));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(text.length - 1), fc.nat(255)), { minLength: 1 }),
        (changes) => {
          const bytes = Buffer.from(text);
          for (const [at, value] of changes) bytes[at] = value;
          if (bytes.equals(text)) return;
          try {
            const manifest = parseManifest(bytes);
            // White space in the line of the checksum itself means nothing.
            expect(manifest).toEqual(parseManifest(text));
          } catch (error) {
            expect(error).toBeInstanceOf(LifeboatError);
          }
        },
      ),
      { numRuns: fuzzRuns(300) },
    );
  });
});
