import type { Progress } from '../../../core/index.ts';
import type { Repository } from '../../../repository/index.ts';
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

/** The snapshots without which a moment that was promised could not be restored, of all sources together. */
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
  return openers;
}
