import { afterAll, afterEach, beforeAll, describe, it, vi } from 'vitest';
import { type LocalRepository, localRepository } from '../local-repository.ts';
import { type MemoryRepository, memoryRepository } from '../memory-repository.ts';
import { freePort } from '../postgres.ts';
import { type FailureTable, failuresIn } from './failing-way.ts';
import { FailureScene } from './failure-scene.ts';
import { playFailure } from './play-failure.ts';

/**
 * Lets each step of the tables fail. `half`: each ends in one way, in turn gone on with and given up, for where time is short; `whole`: in
 * both.
 */
export function testFailures(tables: readonly FailureTable[], extent: 'half' | 'whole'): void {
  let journal: MemoryRepository;
  let stored: LocalRepository;

  beforeAll(async () => {
    journal = await memoryRepository();
    stored = await localRepository();
  });
  afterAll(async () => {
    await stored[Symbol.asyncDispose]();
  });
  afterEach(() => void vi.useRealTimers());

  const endings = ['resumed', 'undone'] as const;
  for (const [at, { title, failure }] of tables.flatMap(failuresIn).entries()) {
    const wanted = extent === 'whole' ? endings : [endings[at % 2] as 'resumed'];
    describe(title, () => {
      it.for(wanted)('stops safely, and is %s', async (ending, context) => {
        if (failure.passesMs !== undefined) {
          vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true });
        }
        const ports = [await freePort(), await freePort()];
        await using scene = new FailureScene({ journal, repository: stored, context, ports });
        await playFailure(failure, scene, ending);
      });
    });
  }
}
