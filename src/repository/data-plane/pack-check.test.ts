import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fuzzRuns } from '../../../test/support/fuzz.ts';
import { keyFromBytes } from '../crypto/key-derivation.ts';
import type { PackedBlob } from '../format/index-file.ts';
import type { BlobId } from '../repository.ts';
import { sha256 } from '../stored-file.ts';
import { packBlobList, unpackBlobList } from './blob-list.ts';
import type { FinishedPack } from './pack-builder.ts';
import { checkPack } from './pack-check.ts';
import { inMemory, PackSession } from './pack-session.ts';
import { packInMemory, withPackFile } from './pack-source.ts';

type MemoryPack = FinishedPack<Uint8Array<ArrayBuffer>>;

const key = keyFromBytes(randomBytes(64));

/** Blobs that fill windows, lie across them, and are larger. */
function somePack(): MemoryPack {
  const packs: MemoryPack[] = [];
  const session = new PackSession(key, inMemory([]), (pack) => packs.push(pack));
  const lengths = [1, 90_000, 200_000, 70, 262_000, 100, 3, 900_000, 5000, 300_000, 40];
  for (const length of lengths) {
    const blob = randomBytes(length);
    session.add('data', sha256(blob) as BlobId, blob);
  }
  session.flush();
  return packs[0] as MemoryPack;
}

const { name, content: bytes, blobs } = somePack();

function checkFile(content: Uint8Array, indexed: readonly PackedBlob[]) {
  const folder = mkdtempSync(join(tmpdir(), 'lifeboat-test-'));
  try {
    const file = join(folder, 'pack');
    writeFileSync(file, content);
    return withPackFile(file, (pack) => checkPack(key, name, pack, indexed));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('checking a pack', () => {
  it('finds nothing in a sound one, in memory or in a file', () => {
    expect(checkPack(key, name, packInMemory(bytes), blobs)).toEqual([]);
    expect(checkFile(bytes, blobs)).toEqual([]);
    expect(checkFile(bytes, blobs.toReversed())).toEqual([]);
  });

  it('names the blob in which a bit is wrong, or the pack', () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(7), (at, bit) => {
        const changed = bytes.slice();
        changed[at] = (changed[at] as number) ^ (1 << bit);
        const problems = checkPack(key, name, packInMemory(changed), blobs);
        expect(problems[0]?.problem).toBe('its bytes do not match its name');
        const hit = blobs.find(({ offset, length }) => at >= offset && at < offset + length);
        expect(problems.flatMap(({ blob }) => blob?.id ?? [])).toEqual(hit ? [hit.id] : []);
        expect(problems).toHaveLength(2);
      }),
      { numRuns: fuzzRuns(100) },
    );
  });

  it('comes to an end with every index that lies, and says so', () => {
    const lie = fc.record({
      offset: fc.nat(bytes.length + 1000),
      length: fc.integer({ min: 34, max: 600_000 }),
    });
    fc.assert(
      fc.property(fc.array(lie, { minLength: 1, maxLength: 6 }), fc.nat(3), (lies, kept) => {
        const template = blobs[0] as PackedBlob;
        const indexed = [
          ...blobs.slice(0, kept),
          ...lies.map((each) => ({ ...template, ...each })),
        ];
        const problems = checkPack(key, name, packInMemory(bytes), indexed);
        expect(problems.map(({ problem }) => problem)).toContain(
          'its header and the index disagree',
        );
        expect(problems.filter(({ blob }) => blob?.id === template.id)).toHaveLength(lies.length);
        expect(checkFile(bytes, indexed)).toEqual(problems);
      }),
      { numRuns: fuzzRuns(100) },
    );
  });

  it('says that a file is no pack, however short', () => {
    for (const length of [0, 3, 4, 40]) {
      const problems = checkFile(bytes.subarray(0, length), blobs);
      expect(problems.length).toBeGreaterThan(blobs.length);
    }
  });
});

// Reading the memory of a process where there is none gives EIO, as a bad sector does.
it.runIf(process.platform === 'linux')('a pack that the disk cannot read is damaged', () => {
  const read = () => withPackFile('/proc/self/mem', (pack) => pack.read(0, 100));
  expect(read).toThrow(expect.objectContaining({ code: 'repository.damaged' }));
  const missing = () => withPackFile('/nonexistent/pack', (pack) => pack.read(0, 100));
  expect(missing).toThrow(expect.objectContaining({ code: 'location.file-missing' }));
});

describe('a list of blobs', () => {
  it('comes back from its bytes', () => {
    expect(unpackBlobList(packBlobList(blobs))).toEqual(blobs);
    const trees = blobs.map((blob) => ({ ...blob, type: 'tree', offset: 2 ** 32 - 1 }) as const);
    expect(unpackBlobList(packBlobList(trees))).toEqual(trees);
    expect(unpackBlobList(packBlobList([]))).toEqual([]);
  });
});
