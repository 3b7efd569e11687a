import { zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLifeboatError } from '../../core/index.ts';
import { seal } from '../crypto/envelope.ts';
import { deriveKey } from '../crypto/key-derivation.ts';
import { randomKey } from './log-contract.ts';
import { decodeManifest, encodeManifest } from './manifest.ts';
import { openFile, openNamedFile, sealFile } from './nested-file.ts';
import { decodeHeader, encodeHeader, noPrevious } from './nested-header.ts';

const key = randomKey();
const header = {
  kind: 'segment' as const,
  level: 0,
  log: 'database',
  part: '00000001',
  position: 2n ** 63n + 5n,
  previous: 'ab'.repeat(32),
};

function fails(decode: () => unknown): boolean {
  try {
    decode();
    return true;
  } catch (error) {
    return isLifeboatError(error, 'repository.damaged', 'repository.unsupported');
  }
}

function codeOf(call: () => unknown): string | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    return isLifeboatError(error) ? error.code : String(error);
  }
}

describe('a file of the nested area', () => {
  it('comes back as it was', () => {
    const payload = Buffer.from('some bytes '.repeat(100));
    const sealed = sealFile(key, header, payload);
    const opened = openNamedFile(key, 'data', sealed.name, sealed.bytes);
    expect(opened.header).toEqual({ ...header, lengthBytes: payload.length });
    expect(Buffer.compare(opened.payload, payload)).toBe(0);
    expect(opened.content).toBe(sealed.content);
  });

  it('is put where the reader wants it', () => {
    const payload = Buffer.from('some bytes '.repeat(100));
    const { name, bytes } = sealFile(key, header, payload);
    const room = new Uint8Array(payload.length);
    expect(openNamedFile(key, 'data', name, bytes, room).payload).toBe(room);
    expect(Buffer.compare(room, payload)).toBe(0);
    const other = new Uint8Array(payload.length + 1);
    expect(openNamedFile(key, 'data', name, bytes, other).payload).toHaveLength(payload.length);
  });

  it('does not open with the key of another folder', () => {
    const sealed = sealFile(deriveKey(key, 'nested data'), header, new Uint8Array(9));
    const otherKey = deriveKey(key, 'nested locks');
    expect(codeOf(() => openFile(otherKey, sealed.bytes, 'x'))).toBe('repository.damaged');
  });

  it('shows every flipped bit', () => {
    const sealed = sealFile(key, header, Buffer.from('short'));
    for (let at = 0; at < sealed.bytes.length; at++) {
      const changed = new Uint8Array(sealed.bytes);
      changed[at]! ^= 1 << (at % 8);
      expect(codeOf(() => openFile(key, changed, 'x'))).toBe('repository.damaged');
      const { name } = sealed;
      expect(codeOf(() => openNamedFile(key, 'data', name, changed))).toBe('repository.damaged');
    }
  });

  it.each([0, 9, 100_000])('shows a payload that is not the %i bytes it says', (lengthBytes) => {
    const frame = zstdCompressSync(new Uint8Array(50_000));
    const stored = seal(key, Buffer.concat([encodeHeader({ ...header, lengthBytes }), frame]));
    expect(codeOf(() => openFile(key, stored, 'x'))).toBe('repository.damaged');
  });
});

describe('the header', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(
        fc.record({
          kind: fc.constantFrom('segment', 'file', 'piece', 'manifest', 'record'),
          level: fc.nat(255),
          log: fc.string({ maxLength: 80 }),
          part: fc.string({ maxLength: 80 }),
          position: fc.bigInt(0n, 2n ** 64n - 1n),
          lengthBytes: fc.nat(2 ** 30),
          previous: fc.constantFrom(noPrevious, 'cd'.repeat(32)),
        }),
        fc.uint8Array({ maxLength: 20 }),
        (each, payload) => {
          const bytes = Buffer.concat([encodeHeader(each), payload]);
          const decoded = decodeHeader(bytes, 'x');
          expect(decoded.header).toEqual(each);
          expect(decoded.payloadAt).toBe(bytes.length - payload.length);
        },
      ),
    );
  });

  it('never fails but with its own error', () => {
    const start = Buffer.from(encodeHeader({ ...header, lengthBytes: 5 }));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(80), fc.nat(255), (any, at, byte) => {
        const changed = Buffer.from(start);
        changed[at % changed.length] = byte;
        return (
          fails(() => decodeHeader(any, 'x')) &&
          fails(() => decodeHeader(changed, 'x')) &&
          fails(() => decodeHeader(start.subarray(0, at), 'x'))
        );
      }),
    );
  });

  it('says when a newer program wrote it', () => {
    const bytes = encodeHeader({ ...header, lengthBytes: 5 });
    bytes[4] = 2;
    expect(() => decodeHeader(bytes, 'x')).toThrow('has format version 2');
  });
});

describe('a manifest', () => {
  const hash = fc.constantFrom('ab'.repeat(32), 'cd'.repeat(32));
  const stored = {
    lengthBytes: fc.integer({ min: 1, max: 2 ** 30 }),
    storedBytes: fc.nat(2 ** 30),
    file: hash,
    content: hash,
  };

  it('comes back as it was', () => {
    const floor = fc.tuple(fc.string(), fc.bigInt(0n, 2n ** 63n));
    const manifest = fc.record(
      {
        segments: fc.array(
          fc.record({ stream: fc.string(), start: fc.bigInt(0n, 2n ** 63n), ...stored }),
        ),
        files: fc.array(fc.record({ name: fc.string(), ...stored })),
        supersedes: fc.array(hash),
        floors: fc.array(floor, { minLength: 1 }).map((floors) => new Map(floors)),
      },
      { requiredKeys: ['segments', 'files', 'supersedes'] },
    );
    fc.assert(
      fc.property(manifest, (each) => {
        expect(decodeManifest(encodeManifest(each), 'x')).toEqual(each);
      }),
    );
  });

  it('never fails but with its own error', () => {
    const entry = fc.record(
      {
        stream: fc.jsonValue(),
        name: fc.jsonValue(),
        start: fc.oneof(fc.jsonValue(), fc.constantFrom('1', '-1', '18446744073709551615')),
        length: fc.oneof(fc.jsonValue(), fc.integer()),
        size: fc.oneof(fc.jsonValue(), fc.integer()),
        file: fc.oneof(hash, fc.jsonValue()),
        content: fc.oneof(hash, fc.jsonValue()),
      },
      { requiredKeys: [] },
    );
    const list = fc.oneof(fc.array(entry), fc.jsonValue());
    const root = fc.record({ segments: list, files: list, supersedes: list }, { requiredKeys: [] });
    fc.assert(
      fc.property(fc.oneof(root, fc.jsonValue()), fc.uint8Array(), (json, bytes) => {
        return (
          fails(() => decodeManifest(Buffer.from(JSON.stringify(json)), 'x')) &&
          fails(() => decodeManifest(bytes, 'x'))
        );
      }),
    );
  });
});
