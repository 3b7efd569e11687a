import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { CopyReport, Repository } from '../repository/index.ts';
import { RepositoryKeeper } from './repository-keeper.ts';

function keeper(name: string, repository: Partial<Repository>, signal: AbortSignal) {
  return new RepositoryKeeper({
    name,
    open: async () =>
      ({
        id: name,
        snapshots: async () => [],
        logNames: async () => [],
        ...repository,
      }) as Repository,
    sources: [],
    stateFolder: '/nowhere',
    signal,
    onEvent: () => {},
  });
}

describe('the keeper of a copy', () => {
  it('makes one copy at a time, however often it is asked', async () => {
    const stop = new AbortController();
    let atOnce = 0;
    let most = 0;
    let copies = 0;
    const copyTo = async () => {
      copies++;
      most = Math.max(most, ++atOnce);
      await pause(20);
      atOnce--;
      return { snapshots: [], problems: [] } as unknown as CopyReport;
    };
    const main = keeper('main', { copyTo }, stop.signal);
    const offsite = keeper('offsite', {}, stop.signal);
    offsite.copyFrom(main);
    const running = offsite.run();
    await offsite.copyNow();
    await Promise.all([offsite.copyNow(), offsite.copyNow()]);
    stop.abort();
    await running;
    expect(copies).toBeGreaterThan(2);
    expect(most).toBe(1);
  });
});
