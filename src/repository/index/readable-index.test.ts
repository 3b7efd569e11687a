import { randomBytes } from 'node:crypto';
import { beforeEach, expect, it } from 'vitest';
import { LifeboatError } from '../../core/index.ts';
import { keyFromBytes } from '../crypto/key-derivation.ts';
import { encodeIndex } from '../format/index-file.ts';
import type { FileInfo, FileKind } from '../location/location.ts';
import { MemoryLocation } from '../location/memory-location.ts';
import type { BlobId } from '../repository.ts';
import { type RepositoryAccess, sha256, writeStoredJson } from '../stored-file.ts';
import { type LoadedIndex, loadIndex } from './index-reader.ts';
import { ReadableIndex } from './readable-index.ts';

let listingFails: boolean;

class Failing extends MemoryLocation {
  override async list(kind: FileKind, signal?: AbortSignal): Promise<readonly FileInfo[]> {
    const files = await super.list(kind, signal);
    if (kind === 'data' && listingFails) throw new LifeboatError('location.unreachable', 'gone');
    return files;
  }
}

const files = new Map<string, Uint8Array>();
const access: RepositoryAccess = {
  location: new Failing({ files }),
  masterKey: keyFromBytes(randomBytes(64)),
  version: 2,
};
let readable: ReadableIndex;
let loaded: LoadedIndex;

/** Two packs hold the blob; the one that would answer is gone. */
async function storeTwice(text: string): Promise<{ readonly id: BlobId; readonly pack: string }> {
  const id = sha256(Buffer.from(text)) as BlobId;
  const blob = { id, type: 'data', offset: 0, length: 50, uncompressedLength: 0 } as const;
  const [lost, pack] = ['lost', 'there'].map((each) => sha256(Buffer.from(text + each)));
  const packs = [lost, pack].map((name) => ({ name: name as string, blobs: [blob] }));
  await writeStoredJson(access, 'index', encodeIndex(packs));
  files.set(`data/${pack}`, new Uint8Array(200));
  loaded = await loadIndex(access, loaded);
  return { id, pack: pack as string };
}

const packOf = ({ blobs }: LoadedIndex, id: BlobId) => blobs.find('data', id)?.pack;

let first: Awaited<ReturnType<typeof storeTwice>>;
let second: Awaited<ReturnType<typeof storeTwice>>;

/** The first was judged, the second came since. */
beforeEach(async () => {
  files.clear();
  listingFails = false;
  readable = new ReadableIndex(access);
  loaded = await loadIndex(access);
  first = await storeTwice('first');
  expect(packOf(await readable.of(loaded), first.id)).toBe(first.pack);
  second = await storeTwice('second');
});

it('is judged again after a listing that failed', async () => {
  listingFails = true;
  await expect(readable.of(loaded)).rejects.toMatchObject({ code: 'location.unreachable' });
  listingFails = false;
  expect(packOf(await readable.of(loaded), second.id)).toBe(second.pack);
});

it('is judged again after one that was cancelled, and by who asked at the same time', async () => {
  const cancelled = readable.of(loaded, AbortSignal.abort());
  const other = readable.of(loaded);
  await expect(cancelled).rejects.toThrow();
  expect(packOf(await other, second.id)).toBe(second.pack);
});

it('is judged once for all who ask at the same time', async () => {
  const answers = await Promise.all([readable.of(loaded), readable.of(loaded)]);
  for (const each of answers) {
    expect([packOf(each, first.id), packOf(each, second.id)]).toEqual([first.pack, second.pack]);
  }
  expect(answers[0].blobs).toBe(answers[1].blobs);
});
