import { randomBytes } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fuzzRuns } from '../../../test/support/fuzz.ts';
import { isLifeboatError, Secret } from '../../core/index.ts';
import { keyFromBytes } from '../crypto/key-derivation.ts';
import { decodeLock, encodeLock, ownLock } from '../lock/lock-file.ts';
import { decodeManifest } from '../log/manifest.ts';
import { decodeMarks } from '../prune/marks.ts';
import type { BlobId } from '../repository.ts';
import { decodeConfig, encodeConfig } from './config-file.ts';
import { decodeIndex, encodeIndex, type PackedBlob } from './index-file.ts';
import { isIrreducible, randomIrreduciblePolynomial } from './irreducible-polynomial.ts';
import { encodeKeyFile, openKeyFile, parseKeyFile } from './key-file.ts';
import {
  decodePackHeader,
  encodePackHeader,
  locatePackHeader,
  packSizeBytes,
} from './pack-header.ts';
import { decodeSnapshot } from './snapshot-file.ts';
import { decodeStoredJson, encodeStoredJson } from './stored-json.ts';
import { decodeTree } from './tree.ts';
import { treeReferences } from './tree-references.ts';

const id = 'cd'.repeat(32) as BlobId;
const blobs: readonly PackedBlob[] = [
  { id, type: 'data', offset: 0, length: 100, uncompressedLength: 0 },
  { id, type: 'tree', offset: 100, length: 50, uncompressedLength: 70 },
];
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8');

/** A decoder may give a value or say `repository.damaged` (or `unsupported`); it never does anything else. */
const decoders: Readonly<Record<string, (bytes: Uint8Array) => unknown>> = {
  'pack header': decodePackHeader,
  'pack trailer': locatePackHeader,
  index: (bytes) => decodeIndex(text(bytes)),
  tree: decodeTree,
  snapshot: (bytes) => decodeSnapshot(id, text(bytes)),
  lock: (bytes) => decodeLock(text(bytes)),
  config: (bytes) => decodeConfig(text(bytes)),
  'key file': (bytes) => parseKeyFile(text(bytes)),
  'stored JSON': decodeStoredJson,
  marks: decodeMarks,
  manifest: (bytes) => decodeManifest(bytes, 'x'),
  'tree references': treeReferences,
};

function survives(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): boolean {
  try {
    decode(bytes);
    return true;
  } catch (error) {
    return isLifeboatError(error, 'repository.damaged', 'repository.unsupported');
  }
}

const fieldNames = [
  'nodes',
  'name',
  'type',
  'content',
  'subtree',
  'packs',
  'blobs',
  'id',
  'offset',
];
const moreFieldNames = [
  'marks',
  'folder',
  'since',
  'segments',
  'floors',
  'supersedes',
  'length',
  'time',
  'tree',
  'paths',
  'pid',
  'version',
  'kdf',
  'N',
  'salt',
  'mtime',
];

describe.each(Object.entries(decoders))('decoder of %s', (_name, decode) => {
  it('survives any bytes', () => {
    const first = fc.constantFrom(0, 1, 2, 3, 0x7b, 0x5b);
    const bytes = fc.tuple(first, fc.uint8Array({ maxLength: 200 }));
    fc.assert(
      fc.property(bytes, ([head, rest]) => survives(decode, Uint8Array.of(head, ...rest))),
      { numRuns: fuzzRuns(300) },
    );
  });

  it('survives any JSON with the fields of the format', () => {
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof({ depthSize: 'small' }, tie('leaf'), tie('list'), tie('fields')),
      leaf: fc.constantFrom(
        null,
        true,
        0,
        -1,
        1.5,
        1e30,
        '',
        '..',
        'file',
        'dir',
        'data',
        id,
        'scrypt',
      ),
      list: fc.array(tie('tree'), { maxLength: 3 }),
      fields: fc.dictionary(fc.constantFrom(...fieldNames, ...moreFieldNames), tie('tree')),
    }));
    fc.assert(
      fc.property(tree, (value) => survives(decode, Buffer.from(JSON.stringify(value)))),
      { numRuns: fuzzRuns(500) },
    );
  });
});

describe('formats', () => {
  it('of pack headers and indexes survive writing and reading', () => {
    expect(decodePackHeader(encodePackHeader(blobs))).toEqual(blobs);
    expect(decodeIndex(encodeIndex([{ name: id, blobs }]))).toEqual([{ name: id, blobs }]);
    const tooShort = blobs.map((blob) => ({ ...blob, length: 32 }));
    expect(() => decodeIndex(encodeIndex([{ name: id, blobs: tooShort }]))).toThrow(/length/);
    expect(packSizeBytes(blobs)).toBe(36 + 150 + 37 + 41);
  });

  it('of unpacked files are 0x02 and zstd in version 2, bare JSON in version 1', () => {
    expect(encodeStoredJson('{"a":1}', 2)[0]).toBe(2);
    expect(decodeStoredJson(encodeStoredJson('{"a":1}', 2))).toBe('{"a":1}');
    expect(text(encodeStoredJson('{"a":1}', 1))).toBe('{"a":1}');
    expect(decodeStoredJson(encodeStoredJson('{"a":1}', 1))).toBe('{"a":1}');
  });

  it.each([0, 1, 255, 256, 257, 65_791, 65_792, 300_000])(
    'of unpacked files are read whether or not the frame says its length: %i bytes',
    (length) => {
      const json = `{${'a'.repeat(length)}`;
      for (const pledgedSrcSize of [json.length, undefined]) {
        const frame = zstdCompressSync(
          json,
          pledgedSrcSize === undefined ? {} : { pledgedSrcSize },
        );
        expect(decodeStoredJson(Buffer.concat([Buffer.of(2), frame])) === json).toBe(true);
      }
      expect(decodeStoredJson(encodeStoredJson(json, 2)) === json).toBe(true);
    },
  );

  it('of locks survive writing and reading', () => {
    const lock = ownLock(true);
    expect(decodeLock(encodeLock(lock))).toEqual(lock);
  });

  it('of the config keep an irreducible polynomial', () => {
    const config = { version: 2, id, chunkerPolynomial: randomIrreduciblePolynomial() } as const;
    expect(decodeConfig(encodeConfig(config))).toEqual(config);
    const reducible = encodeConfig({ ...config, chunkerPolynomial: 2n ** 53n });
    expect(() => decodeConfig(reducible)).toThrow(/reducible/);
    expect(() => decodeConfig(encodeConfig(config).replace(':2', ':3'))).toThrow(/version 3/);
  });

  it('of key files open with their password only', async () => {
    const master = keyFromBytes(randomBytes(64));
    const file = await encodeKeyFile(master, new Secret('right'));
    expect(await openKeyFile(file, new Secret('right'))).toEqual(master);
    expect(await openKeyFile(file, new Secret('wrong'))).toBeUndefined();
    expect(() => parseKeyFile(file.replace('"p":1', '"p":1000000'))).toThrow(/impossible/);
    expect(() => parseKeyFile(file.replace('32768', '32767'))).toThrow(/impossible/);
  });
});

describe('polynomials', () => {
  it('of known kind are told apart', () => {
    // x^2+x+1, x^3+x+1, and the one that restic uses in its own tests.
    for (const known of [0b111n, 0b1011n, 0x3da3358b4dc173n])
      expect(isIrreducible(known)).toBe(true);
    for (const known of [0n, 1n, 0b101n, 0b1001n, 0b110n]) expect(isIrreducible(known)).toBe(false);
  });

  it('of small degree agree with trial division', () => {
    const divides = (divisor: bigint, value: bigint) => {
      let rest = value;
      const bits = (n: bigint) => n.toString(2).length;
      while (rest !== 0n && bits(rest) >= bits(divisor)) {
        rest ^= divisor << BigInt(bits(rest) - bits(divisor));
      }
      return rest === 0n;
    };
    for (let value = 2n; value < 256n; value++) {
      let hasDivisor = false;
      for (let divisor = 2n; divisor < value; divisor++) {
        if (divisor.toString(2).length < value.toString(2).length && divides(divisor, value)) {
          hasDivisor = true;
        }
      }
      expect(isIrreducible(value), value.toString(2)).toBe(!hasDivisor);
    }
  });
});
