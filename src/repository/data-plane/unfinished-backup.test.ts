import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { memoryRepository } from '../../../test/support/memory-repository.ts';
import type { FileKind } from '../location/location.ts';
import { MemoryLocation } from '../location/memory-location.ts';

const [blobs, blobBytes] = [48, 1_000_000];
const contents = Array.from({ length: blobs }, () => randomBytes(blobBytes));

it.each([
  ['fails', undefined],
  ['is cancelled', new AbortController()],
])(
  'what a backup stored that %s is not stored again by the next one',
  async (_what, cancel) => {
    const { files, open } = await memoryRepository();
    {
      await using writer = await open().startBackup(cancel ? { signal: cancel.signal } : {});
      await Promise.all(contents.map((each) => writer.saveData(new Uint8Array(each))));
      while (![...files.keys()].some((name) => name.startsWith('data/'))) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      cancel?.abort();
    }
    expect([...files.keys()].filter((name) => name.startsWith('locks/'))).toEqual([]);
    await using repository = open();
    await using again = await repository.startBackup();
    const saved = await Promise.all(contents.map((each) => again.saveData(new Uint8Array(each))));
    expect(saved.filter(({ isNew }) => !isNew).length).toBeGreaterThan(10);
    const { findings } = await repository.check({ readData: true });
    expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  },
  60_000,
);

it('says nothing of packs when the repository itself failed', async () => {
  const { files, open } = await memoryRepository();
  const broken = new (class extends MemoryLocation {
    override async write(kind: FileKind, name: string, bytes: Uint8Array) {
      if (kind === 'data') throw new Error('broken');
      await super.write(kind, name, bytes);
    }
  })({ files });
  {
    await using writer = await open(broken).startBackup();
    await Promise.allSettled(contents.map((each) => writer.saveData(new Uint8Array(each))));
  }
  const names = [...files.keys()].filter((name) => /^(locks|index|data)/.test(name));
  expect(names).toEqual([]);
});
