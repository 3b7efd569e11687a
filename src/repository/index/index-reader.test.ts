import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { LifeboatError } from '../../core/index.ts';
import { keyFromBytes } from '../crypto/key-derivation.ts';
import { encodeIndex, type IndexedPack } from '../format/index-file.ts';
import type { FileKind } from '../location/location.ts';
import { MemoryLocation } from '../location/memory-location.ts';
import type { BlobId } from '../repository.ts';
import { type RepositoryAccess, sha256, writeStoredJson } from '../stored-file.ts';
import { type LoadedIndex, loadIndex } from './index-reader.ts';

/** What happens just before a file is read. */
let beforeReading: (name: string) => void;

class Watched extends MemoryLocation {
  override async read(kind: FileKind, name: string): Promise<Uint8Array> {
    beforeReading(name);
    return await super.read(kind, name);
  }
}

let access: RepositoryAccess;
let former: LoadedIndex;

beforeEach(async () => {
  beforeReading = () => {};
  const masterKey = keyFromBytes(randomBytes(64));
  access = { location: new Watched(), masterKey, version: 2 };
  former = await loadIndex(access);
});

function packOf(text: string): IndexedPack {
  const id = sha256(Buffer.from(text)) as BlobId;
  const blob = { id, type: 'data', offset: 0, length: 50, uncompressedLength: 0 } as const;
  return { name: sha256(Buffer.from(`pack ${text}`)), blobs: [blob] };
}

const store = async (text: string) =>
  await writeStoredJson(access, 'index', encodeIndex([packOf(text)]));

/** As a backup tells of an index file that it stored. */
function add(name: string, text: string): void {
  former.blobs.addPack(packOf(text));
  former.files.add(name);
}

function expectOnceEach(loaded: LoadedIndex, names: readonly string[]): void {
  expect(loaded.files).toEqual(new Set(names));
  expect([loaded.blobs.blobCount, loaded.blobs.isAnyTwice]).toEqual([names.length, false]);
}

describe('an index that is read on', () => {
  it('takes each file once when one could not be read at first', async () => {
    const names = [await store('first'), await store('second'), await store('third')];
    beforeReading = (name) => {
      if (name === names[2]) throw new LifeboatError('location.unreachable', 'gone');
    };
    await expect(loadIndex(access, former)).rejects.toThrow('gone');
    expectOnceEach(former, names.slice(0, 2));
    beforeReading = () => {};
    expectOnceEach(await loadIndex(access, former), names);
  });

  it('takes each file once when a backup stores some meanwhile', async () => {
    const names = [await store('first'), await store('second')];
    const later = await store('later');
    const stored = (await access.location.read('index', later)) as Uint8Array;
    await access.location.remove('index', later);
    beforeReading = (name) => {
      if (name === names[0]) add(later, 'later');
      if (name === names[1]) add(name, 'second');
    };
    expectOnceEach(await loadIndex(access, former), [...names, later]);
    await access.location.write('index', later, stored);
    expectOnceEach(await loadIndex(access, former), [...names, later]);
  });

  it('does not read a damaged file again', async () => {
    const name = await writeStoredJson(access, 'index', '{"packs":[{}]}');
    const loaded = await loadIndex(access, former);
    expect([[...loaded.damaged.keys()], [...loaded.files]]).toEqual([[name], [name]]);
    beforeReading = () => {
      throw new Error('read again');
    };
    expect((await loadIndex(access, loaded)).damaged.size).toBe(1);
  });
});
