import { afterAll, afterEach, beforeAll, describe, it, vi } from 'vitest';
import { type LocalRepository, localRepository } from '../local-repository.ts';
import { type MemoryRepository, memoryRepository } from '../memory-repository.ts';
import { freePort } from '../postgres.ts';
import type { ServerUnderTest } from '../servers.ts';
import { need } from '../skip.ts';
import { type DatabaseWorld, databaseWorld } from './database-world.ts';
import { type FailureTable, failuresIn } from './failing-way.ts';
import { FailureScene } from './failure-scene.ts';
import { playFailure } from './play-failure.ts';

/**
 * Lets each step of the tables fail. `whole`: each ends in both ways; `half`: in turn gone on with and given up, for where time is short;
 * `quick`: as `half`, and only those that are marked so.
 */
export function testFailures(
  tables: readonly FailureTable[],
  extent: 'quick' | 'half' | 'whole',
  subject?: ServerUnderTest,
): void {
  let journal: MemoryRepository;
  let stored: LocalRepository;
  let database: DatabaseWorld | undefined;

  beforeAll(async () => {
    journal = await memoryRepository();
    stored = await localRepository();
    if (subject?.bin) database = await databaseWorld(subject.bin, subject.major);
  });
  afterAll(async () => {
    await database?.[Symbol.asyncDispose]();
    await stored[Symbol.asyncDispose]();
  });
  afterEach(() => void vi.useRealTimers());

  const endings = ['resumed', 'undone'] as const;
  const all = tables
    .flatMap(failuresIn)
    .filter(({ failure }) => extent !== 'quick' || failure.isQuick);
  for (const [at, { title, failure }] of all.entries()) {
    const wanted = extent === 'whole' ? endings : [endings[at % 2] as 'resumed'];
    describe(title, () => {
      it.for(wanted)('stops safely, and is %s', async (ending, context) => {
        if (failure.passesMs !== undefined) {
          vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true });
        }
        if (subject) need(context, subject.bin, `${subject.name} is not installed`);
        await database?.reset();
        const repository = database
          ? { repository: database.repository, folder: database.repositoryFolder }
          : stored;
        const ports = [await freePort(), await freePort()];
        await using scene = new FailureScene({ journal, repository, database, context, ports });
        await playFailure(failure, scene, ending);
      });
    });
  }
}
