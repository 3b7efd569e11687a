import { type Progress, silentProgress } from '../../../core/index.ts';
import { defaultMinimum, type Repository } from '../../../repository/index.ts';
import { listPostgresSnapshots } from '../base-backup/stored-backups.ts';
import { givenUpTimelines } from '../stream/given-up.ts';
import { type PromisedWindow, promiseWindow } from './promised-window.ts';
import { listStretches } from './stretches.ts';

/** How long any moment of a source stays restorable in a repository, in milliseconds, by source. */
export type RecoveryPromises = ReadonlyMap<string, number>;

/** What must stay of a source in a repository so that every moment of the last `spanMs` stays restorable. */
export async function windowOfSource(request: {
  readonly repository: Repository;
  readonly source: string;
  readonly spanMs: number;
  readonly now?: Date | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: Progress | undefined;
}): Promise<PromisedWindow> {
  const { repository, source, spanMs, now = new Date(), signal } = request;
  const stretches = await listStretches(request);
  const spans = await repository.log(source).coverage(signal);
  const streams = [...new Set(spans.map(({ stream }) => stream))];
  return promiseWindow(stretches, { spanMs, nowMs: now.getTime(), streams });
}

/**
 * The snapshots without which a moment that was promised could not be restored, of all sources together. Where a timeline was given up, also the
 * newest of what goes on: by their age alone those that were given up would take their place.
 */
export async function windowOpeners(
  repository: Repository,
  promises: RecoveryPromises,
  signal?: AbortSignal,
): Promise<ReadonlySet<string>> {
  const openers = new Set<string>();
  for (const [source, spanMs] of promises) {
    const { openers: own } = await windowOfSource({ repository, source, spanMs, signal });
    for (const id of own) openers.add(id);
  }
  for (const source of await repository.logNames(signal)) {
    for (const id of await newestThatGoOn(repository, source)) openers.add(id);
  }
  return openers;
}

async function newestThatGoOn(repository: Repository, source: string): Promise<readonly string[]> {
  const givenUp = await givenUpTimelines(repository.log(source));
  if (givenUp.size === 0) return [];
  return (await listPostgresSnapshots(repository, source, silentProgress))
    .filter(({ info }) => !givenUp.has(info.timeline))
    .slice(0, defaultMinimum)
    .map(({ snapshot }) => snapshot.id);
}
