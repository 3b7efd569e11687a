import { describe, expect, it } from 'vitest';
import { memoryRepository } from '../../../test/support/memory-repository.ts';
import { storeFiles } from '../../../test/support/stored-files.ts';
import type { BlobId, Repository } from '../repository.ts';
import { listSnapshots } from '../snapshot-list.ts';
import { MemoryLocation } from './memory-location.ts';
import { StandingLocation } from './standing-location.ts';

const questions: Record<string, (repository: Repository) => Promise<unknown>> = {
  'its snapshots': (repository) => repository.snapshots(),
  'a snapshot': (repository) => repository.findSnapshot('abcd'),
  'a blob': (repository) => repository.readBlob('data', 'ab'.repeat(32) as BlobId),
  'its log': (repository) => repository.log('shop').coverage(),
  'its logs': (repository) => repository.logNames(),
  'its records': (repository) => repository.records.list(),
};
const write = (repository: Repository) =>
  repository.log('shop').appendSegment('00000001', 0n, new Uint8Array(10));

it.each(Object.entries(questions))(
  'whoever asks for %s learns that it vanished',
  async (_, ask) => {
    const { open, files } = await memoryRepository();
    await using repository = open();
    await storeFiles(repository, { one: Buffer.from('some bytes') });
    files.clear();
    await expect(ask(repository)).rejects.toMatchObject({
      code: 'location.unreachable',
      message: expect.stringContaining('is not there any more'),
    });
  },
);

it('believes that a repository which is there holds nothing', async () => {
  const { open } = await memoryRepository();
  await using repository = open();
  expect(await repository.snapshots()).toEqual([]);
  expect(await repository.records.list()).toEqual([]);
  expect(await repository.log('shop').coverage()).toEqual([]);
});

it('begins no log where the repository was', async () => {
  const { open, files } = await memoryRepository();
  await using repository = open();
  files.clear();
  await expect(write(repository)).rejects.toMatchObject({ code: 'location.unreachable' });
  expect(files.size).toBe(0);
});

it('tells of a place that went away between two lists', async () => {
  const { masterKey, files } = await memoryRepository();
  const location = new StandingLocation(new MemoryLocation({ files }));
  const access = { location, masterKey, version: 2 as const };
  expect(await listSnapshots(access, {})).toEqual([]);
  files.delete('config/config');
  await expect(listSnapshots(access, {})).rejects.toMatchObject({ code: 'location.unreachable' });
});

describe('where another repository took its place', () => {
  /** The other one of two disks, with a repository of its own. */
  async function swapped() {
    const { open, files } = await memoryRepository();
    const repository = open();
    await write(repository);
    const [own, other] = [new Map(files), (await memoryRepository()).files];
    const become = (wanted: ReadonlyMap<string, Uint8Array>) => {
      files.clear();
      for (const [name, bytes] of wanted) files.set(name, bytes);
    };
    become(other);
    return { repository, files, other, putBack: () => become(own) };
  }
  const replaced = {
    code: 'location.unreachable',
    message: expect.stringContaining('another repository is in'),
  };

  const writes: Record<string, (repository: Repository) => Promise<unknown>> = {
    'a segment': (repository) =>
      repository.log('shop').appendSegment('00000001', 10n, new Uint8Array(10)),
    'a piece': (repository) =>
      repository.log('shop').appendPiece('00000001', 10n, new Uint8Array(10)),
    'a record': (repository) =>
      repository.records.append({ kind: 'freeze', source: '', body: { id: 'one' } }),
    'a backup': (repository) => repository.startBackup(),
    'a copy': async (repository) => (await memoryRepository()).open().copyTo(repository),
  };
  it.each(Object.entries(writes))('%s is refused, and leaves nothing', async (_, attempt) => {
    const { repository, files, other } = await swapped();
    await using _repository = repository;
    await expect(attempt(repository)).rejects.toMatchObject(replaced);
    expect([...files.keys()]).toEqual([...other.keys()]);
  });

  it('the log goes on once the right one is back', async () => {
    const { repository, putBack } = await swapped();
    await using _ = repository;
    const log = repository.log('shop');
    const append = () => log.appendSegment('00000001', 10n, new Uint8Array(10));
    await expect(append()).rejects.toMatchObject(replaced);
    putBack();
    await append();
    expect(await log.coverage()).toMatchObject([{ start: 0n, end: 20n }]);
  });
});
