import { randomBytes } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { seal } from '../../src/repository/crypto/envelope.ts';
import { keyFromBytes } from '../../src/repository/crypto/key-derivation.ts';
import { encodeIndex, type PackedBlob } from '../../src/repository/format/index-file.ts';
import { encodePackHeader } from '../../src/repository/format/pack-header.ts';
import type { Repository, TreeNode } from '../../src/repository/index.ts';
import { type BlobId, MemoryLocation } from '../../src/repository/index.ts';
import { ResticRepository } from '../../src/repository/restic-repository.ts';
import { sha256, writeStoredJson } from '../../src/repository/stored-file.ts';
import { noSnapshots } from '../support/no-snapshots.ts';

// Whoever has the key can write anything. It may be refused or reported, but it may not fill the memory, hang, or make
// this program fail in a way that nobody understands.

const masterKey = keyFromBytes(randomBytes(64));
let files: Map<string, Uint8Array>;
let location: MemoryLocation;
let repository: Repository;

beforeEach(() => {
  files = noSnapshots(masterKey);
  location = new MemoryLocation({ files });
  const config = { version: 2, id: 'ab'.repeat(32), chunkerPolynomial: 0n } as never;
  repository = new ResticRepository({ location, masterKey, config });
});

afterEach(() => repository[Symbol.asyncDispose]());

const access = () => ({ location, masterKey, version: 2 as const });
const folderNode = (name: string, subtree: BlobId): TreeNode => {
  return { name, type: 'dir', mode: 0o755, mtimeNs: 1n, uid: 0, gid: 0, subtree };
};
const fileNode = (name: string, content: readonly BlobId[]): TreeNode => {
  return { name, type: 'file', mode: 0o644, mtimeNs: 1n, uid: 0, gid: 0, content };
};
const nowhere = 'cd'.repeat(32) as BlobId;

/** A snapshot of trees that are made from the innermost outwards. */
async function nest(
  levels: number,
  innermost: readonly TreeNode[],
  around: (inner: BlobId) => readonly TreeNode[],
): Promise<void> {
  await using writer = await repository.startBackup();
  let tree = await writer.saveTree(innermost);
  for (let level = 0; level < levels; level++) tree = await writer.saveTree(around(tree));
  const totals = { filesTotal: 0, bytesTotal: 0 };
  await writer.publishSnapshot({ time: new Date(), tree, paths: ['/'], tags: [], ...totals });
}

/** A pack of the given plain blobs and what the index says of them, and a snapshot of the first. */
async function plant(
  stored: readonly { id: BlobId; type: 'data' | 'tree'; frame: Uint8Array; claim: number }[],
  change: (blob: PackedBlob) => PackedBlob = (blob) => blob,
): Promise<void> {
  const blobs: PackedBlob[] = [];
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const { id, type, frame, claim } of stored) {
    const sealed = seal(masterKey, frame);
    blobs.push({ id, type, offset, length: sealed.length, uncompressedLength: claim });
    parts.push(sealed);
    offset += sealed.length;
  }
  const header = seal(masterKey, encodePackHeader(blobs));
  const trailer = Buffer.alloc(4);
  trailer.writeUInt32LE(header.length);
  const pack = Buffer.concat([...parts, header, trailer]);
  const name = sha256(pack);
  await location.write('data', name, pack);
  await writeStoredJson(access(), 'index', encodeIndex([{ name, blobs: blobs.map(change) }]));
  const fields = { time: '2026-11-21T10:00:00Z', tree: stored[0]?.id, paths: ['/'] };
  await writeStoredJson(access(), 'snapshots', JSON.stringify(fields));
}

async function errors() {
  const report = await repository.check({ readData: true });
  return report.findings.filter(({ severity }) => severity === 'error');
}

/** Reported by check, refused by prune, and by reading. */
async function expectRefused(tree: BlobId): Promise<void> {
  expect((await errors()).length).toBeGreaterThan(0);
  const code = expect.stringMatching(/^repository\.(damaged|blob-missing)$/);
  await expect(repository.prune({ keepMarkedMs: 0 })).rejects.toMatchObject({ code });
  await expect(repository.readTree(tree)).rejects.toMatchObject({ code });
}

describe('trees', () => {
  it('thousands of levels deep are walked, whole or not', async () => {
    await nest(5000, [], (inner) => [folderNode('d', inner)]);
    expect(await errors()).toEqual([]);
    expect(await repository.prune()).toMatchObject({ blobsUsed: 5001 });
  });

  it('that are very deep and miss something are reported', async () => {
    await nest(2000, [fileNode('lost', [nowhere])], (inner) => [folderNode('d', inner)]);
    expect(await errors()).toMatchObject([{ kind: 'blob', name: nowhere }]);
    await expect(repository.prune()).rejects.toMatchObject({ code: 'repository.damaged' });
    const [result] = await repository.repairSnapshots({ dryRun: false });
    expect(result?.losses).toHaveLength(1);
  });

  it('of 2^60 paths are walked once each, whole or not', async () => {
    const twice = (inner: BlobId) => [folderNode('a', inner), folderNode('b', inner)];
    await nest(60, [], twice);
    expect(await errors()).toEqual([]);
    expect(await repository.prune()).toMatchObject({ blobsUsed: 61 });
    await nest(60, [fileNode('lost', [nowhere])], twice);
    expect(await errors()).toMatchObject([{ kind: 'blob', name: nowhere }]);
    await expect(repository.prune()).rejects.toMatchObject({ code: 'repository.damaged' });
    const results = await repository.repairSnapshots();
    expect(results.map(({ outcome }) => outcome).sort()).toEqual(['repaired', 'whole']);
  });

  it('that are no trees, name nonsense, or hold what fills the memory are refused', async () => {
    const texts = [
      'nonsense',
      '{"nodes":[{"name":"x","type":"dir","subtree":"zz"}]}',
      `{"nodes":[${'['.repeat(6_000_000)}`,
      `{"nodes":[${'{},'.repeat(3_000_000)}{}]}`,
    ];
    for (const text of texts) {
      for (const path of files.keys()) files.delete(path);
      const plain = Buffer.from(text);
      const id = sha256(plain) as BlobId;
      const frame = zstdCompressSync(plain);
      await plant([{ id, type: 'tree', frame, claim: plain.length }]);
      await expectRefused(id);
    }
  });
});

describe('blobs', () => {
  it('that claim four gigabytes, or expand to more than they claim, are refused', async () => {
    const bomb = zstdCompressSync(Buffer.alloc(64 * 1024 * 1024));
    for (const claim of [2 ** 32 - 1, 600 * 1024 * 1024, 100, 63 * 1024 * 1024]) {
      for (const path of files.keys()) files.delete(path);
      await plant([{ id: nowhere, type: 'tree', frame: bomb, claim }]);
      await expectRefused(nowhere);
    }
  });

  it('that an index places elsewhere, over each other or beyond the end are reported', async () => {
    const text = (number: number) => Buffer.from(`{"nodes":[]}\n${' '.repeat(number)}`);
    const trees = [1, 2].map((number) => {
      const plain = text(number);
      const frame = zstdCompressSync(plain);
      return { id: sha256(plain) as BlobId, type: 'tree' as const, frame, claim: plain.length };
    });
    const changes: ((blob: PackedBlob) => PackedBlob)[] = [
      (blob) => ({ ...blob, offset: 0 }),
      (blob) => ({ ...blob, offset: 2 ** 31 }),
      (blob) => ({ ...blob, offset: 2 ** 32 - 1 }),
      (blob) => ({ ...blob, length: 2 ** 32 - 1 }),
      (blob) => ({ ...blob, length: blob.length + 1 }),
      (blob) => ({ ...blob, uncompressedLength: blob.uncompressedLength + 1 }),
    ];
    for (const change of changes) {
      for (const path of files.keys()) files.delete(path);
      await plant(trees, change);
      expect((await errors()).length).toBeGreaterThan(0);
      // The packs are whole: their headers say better.
      await repository.repairIndex({ readAllPacks: true });
      expect(await errors()).toEqual([]);
    }
  });
});

describe('index files', () => {
  it('by the hundred, all empty, are read one by one and joined by prune', async () => {
    await nest(3, [], (inner) => [folderNode('d', inner)]);
    for (let number = 0; number < 500; number++) {
      await writeStoredJson(access(), 'index', '{"packs":[]}');
    }
    expect(await errors()).toEqual([]);
    await repository.prune({ keepMarkedMs: 0 });
    expect(await location.list('index')).toHaveLength(1);
    expect(await errors()).toEqual([]);
  });

  it('that expand to gigabytes or to nothing but brackets are reported', async () => {
    await nest(3, [], (inner) => [folderNode('d', inner)]);
    const mark = Buffer.of(2);
    const bombs = [
      Buffer.concat([mark, zstdCompressSync(Buffer.alloc(300 * 1024 * 1024, 0x20))]),
      Buffer.concat([mark, zstdCompressSync(Buffer.from(`{"packs":[${'['.repeat(6_000_000)}`))]),
    ];
    const names = [];
    for (const bomb of bombs) {
      const sealed = seal(masterKey, bomb);
      names.push(sha256(sealed));
      await location.write('index', sha256(sealed), sealed);
    }
    expect((await errors()).map(({ name }) => name).sort()).toEqual(names.sort());
    await expect(repository.prune()).rejects.toMatchObject({ code: 'repository.damaged' });
    await repository.repairIndex();
    expect(await errors()).toEqual([]);
  });
});
