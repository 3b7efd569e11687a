import { expect, it } from 'vitest';
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
