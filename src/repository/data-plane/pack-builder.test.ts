import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { open } from '../crypto/envelope.ts';
import { keyFromBytes } from '../crypto/key-derivation.ts';
import { decodePackHeader, locatePackHeader, packSizeBytes } from '../format/pack-header.ts';
import type { BlobId } from '../repository.ts';
import { sha256 } from '../stored-file.ts';
import { openVerifiedBlob } from './blob-codec.ts';
import { type FinishedPack, PackBuilder, type PreparedBlob, prepareBlob } from './pack-builder.ts';
import { checkPack } from './pack-check.ts';
import { inMemory, PackSession } from './pack-session.ts';
import { packInMemory } from './pack-source.ts';
import { MemoryPackTarget } from './pack-target.ts';

type MemoryPack = FinishedPack<Uint8Array<ArrayBuffer>>;

const key = keyFromBytes(randomBytes(64));
const idOf = (bytes: Uint8Array) => sha256(bytes) as BlobId;
const text = Buffer.alloc(5000, 'compresses well ');

describe('pack', () => {
  it('has restic’s layout: blobs, sealed header, its length', () => {
    const packs: MemoryPack[] = [];
    const session = new PackSession(key, inMemory([]), (pack) => packs.push(pack));
    const blobs = [text, randomBytes(5000), Buffer.from('x')];
    for (const blob of blobs) session.add('data', idOf(blob), blob);
    session.flush();
    expect(packs).toHaveLength(1);
    const [pack] = packs as [MemoryPack];
    expect(pack.name).toBe(sha256(pack.content));
    expect(pack.content.length).toBe(packSizeBytes(pack.blobs));
    expect(decodePackHeader(open(key, locatePackHeader(pack.content)))).toEqual(pack.blobs);
    expect(pack.blobs.map(({ uncompressedLength }) => uncompressedLength)).toEqual([5000, 0, 0]);
    for (const [i, { id, offset, length, uncompressedLength }] of pack.blobs.entries()) {
      const sealed = pack.content.subarray(offset, offset + length);
      const plain = openVerifiedBlob(key, sealed, uncompressedLength, id);
      expect(Buffer.compare(plain, blobs[i] as Buffer)).toBe(0);
    }
    expect(checkPack(key, pack.name, packInMemory(pack.content), pack.blobs)).toEqual([]);
  });

  it('holds blobs of one type, trees always compressed', () => {
    const packs: MemoryPack[] = [];
    const session = new PackSession(key, inMemory([]), (pack) => packs.push(pack));
    session.add('data', idOf(text), text);
    session.add('tree', idOf(Buffer.from('{"nodes":[]}\n')), Buffer.from('{"nodes":[]}\n'));
    session.flush();
    expect(packs.map(({ blobs }) => blobs.map(({ type }) => type))).toEqual([['data'], ['tree']]);
    expect(packs[1]?.blobs[0]?.uncompressedLength).toBe(13);
  });

  it('is closed at 16 MiB and uses buffers again; a larger blob has a pack of its own', () => {
    const packs: { size: number; blobs: number }[] = [];
    const spare: ArrayBuffer[] = [];
    const session = new PackSession(key, inMemory(spare), ({ content: bytes, blobs }) => {
      packs.push({ size: bytes.length, blobs: blobs.length });
      spare.push(bytes.buffer);
    });
    for (let i = 0; i < 40; i++) {
      const blob = randomBytes(1_000_000);
      session.add('data', idOf(blob), blob);
    }
    const large = randomBytes(30_000_000);
    session.add('data', idOf(large), large);
    session.flush();
    expect(packs.map(({ blobs }) => blobs)).toEqual([17, 17, 6, 1]);
    for (const { size } of packs.slice(0, 2)) expect(size).toBeGreaterThan(16 * 1024 * 1024);
  });

  it('takes no blob that does not read back as what came in', () => {
    const pack = (blob: PreparedBlob) => {
      const builder = new PackBuilder(key, 'data', new MemoryPackTarget(new Uint8Array(100_000)));
      builder.add(blob);
      builder.finish();
    };
    const prepared = prepareBlob('data', idOf(text), text);
    pack(prepared);
    const flipped = new Uint8Array(text);
    flipped[2500] = (flipped[2500] as number) ^ 1;
    // As when a bit of the input flips after compression.
    expect(() => pack({ ...prepared, plain: flipped })).toThrow(/differs|decompress/);
    const stored = new Uint8Array(prepared.stored);
    stored[stored.length - 5] = (stored[stored.length - 5] as number) ^ 1;
    // As when the compressor is at fault.
    expect(() => pack({ ...prepared, stored })).toThrow(/differs|decompress/);
  });
});
