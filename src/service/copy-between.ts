import type { CopyReport, Repository } from '../repository/index.ts';
import { windowOpeners } from '../sources/index.ts';
import { keptAfterCopy } from './kept-after-copy.ts';
import { type KeptSource, promisesOf } from './kept-sources.ts';
import type { ServiceEvent } from './service-event.ts';

interface NamedRepository {
  readonly name: string;
  readonly repository: Repository;
}

/** One copy, with its events. What the destination's retention would let go at once is not brought. */
export async function copyBetween(
  from: NamedRepository,
  to: NamedRepository,
  options: {
    readonly signal: AbortSignal;
    readonly onEvent: (event: ServiceEvent) => void;
    readonly lockWaitMs: number;
    /** Whose snapshots the destination keeps by a policy of its own. */
    readonly sources: readonly KeptSource[];
  },
): Promise<CopyReport> {
  const { signal, onEvent, lockWaitMs } = options;
  const names = { from: from.name, to: to.name };
  onEvent({ type: 'copy-started', ...names });
  // What is damaged is told by the copy itself.
  const quiet = { signal, progress: () => {} };
  const listed = await Promise.all([
    from.repository.snapshots(quiet),
    to.repository.snapshots(quiet),
  ]);
  const needed = await windowOpeners(from.repository, promisesOf(options.sources), signal);
  const wanted = keptAfterCopy(...listed, options.sources, needed);
  const report = await from.repository.copyTo(to.repository, {
    select: ({ id }) => wanted.has(id),
    signal,
    lockWaitMs,
  });
  onEvent({ type: 'copy', ...names, ...report, snapshots: report.snapshots.length });
  return report;
}
