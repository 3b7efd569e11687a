import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LifeboatError } from '../../core/index.ts';
import { keyFromBytes } from '../crypto/key-derivation.ts';
import type { FinishedPack } from '../data-plane/pack-builder.ts';
import { inMemory, PackSession } from '../data-plane/pack-session.ts';
import { BlobIndex } from '../index/blob-index.ts';
import { BlobLookup } from '../index/blob-lookup.ts';
import type { BlobId } from '../repository.ts';
import { sha256 } from '../stored-file.ts';
import { BlobReader } from './blob-reader.ts';
import { LocalPackBytes } from './pack-bytes.ts';

const key = keyFromBytes(randomBytes(64));
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lifeboat-test-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** As in a local repository: packs with these blobs. */
function storePacks(contents: readonly (readonly Uint8Array[])[]): {
  readonly index: BlobIndex;
  readonly paths: string[];
} {
  const index = new BlobIndex();
  const paths = contents.map((blobs) => {
    const packs: FinishedPack<Uint8Array<ArrayBuffer>>[] = [];
    const session = new PackSession(key, inMemory([]), (pack) => packs.push(pack));
    for (const blob of blobs) session.add('data', sha256(blob) as BlobId, blob);
    session.flush();
    const { name, content, blobs: packed } = packs[0] as FinishedPack<Uint8Array<ArrayBuffer>>;
    const path = join(folder, 'data', name.slice(0, 2), name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    index.addPack({ name, blobs: packed });
    return path;
  });
  return { index, paths };
}

/** The bytes, or the code of the error. */
async function readAll(index: BlobIndex, blobs: readonly Uint8Array[]): Promise<unknown[]> {
  const reader = new BlobReader(key, new BlobLookup(index.memory), new LocalPackBytes(folder));
  const ids = blobs.map((blob) => sha256(blob) as BlobId);
  const read = new Map<number, unknown>();
  await reader.readBlobs('data', ids, (number, outcome) => {
    expect(read.has(number)).toBe(false);
    read.set(number, outcome instanceof LifeboatError ? outcome.code : outcome.slice());
  });
  return ids.map((_, number) => read.get(number));
}

describe('reading the packs of a local repository', () => {
  // Reading the memory of a process where there is none gives EIO, as a bad sector does.
  it.runIf(process.platform === 'linux')(
    'gives what lies in others when the disk cannot read one',
    async () => {
      const blobs = [1, 2, 3].map(() => new Uint8Array(randomBytes(1000)));
      const { index, paths } = storePacks(blobs.map((blob) => [blob]));
      rmSync(paths[1] as string);
      symlinkSync('/proc/self/mem', paths[1] as string);
      expect(await readAll(index, blobs)).toEqual([blobs[0], 'repository.damaged', blobs[2]]);
    },
  );

  it('gives what of a pack can be read', async () => {
    const blobs = [1, 2, 3, 4].map(() => new Uint8Array(randomBytes(1000)));
    const { index, paths } = storePacks([blobs]);
    truncateSync(paths[0] as string, 2500);
    const isBad = 'repository.damaged';
    expect(await readAll(index, blobs)).toEqual([blobs[0], blobs[1], isBad, isBad]);
  });
});
