import { hostname } from 'node:os';
import { holdsFiles } from '../config/index.ts';
import {
  groupSnapshots,
  matchesFilter,
  planByPolicy,
  type Snapshot,
  uncopied,
} from '../repository/index.ts';
import type { KeptSource } from './kept-sources.ts';

/**
 * Which snapshots a copy is to bring: of sources with a policy at the destination those that it keeps beside what is there.
 * Otherwise a copy that keeps less than its original would bring again and again what was forgotten there. `needed`: what
 * the recovery windows that are promised there take.
 */
export function keptAfterCopy(
  from: readonly Snapshot[],
  there: readonly Snapshot[],
  sources: readonly KeptSource[],
  needed: ReadonlySet<string> = new Set(),
): ReadonlySet<string> {
  const candidates = uncopied(from, there);
  const wanted = new Set<string>(candidates.map(({ id }) => id));
  for (const { name, kind, policy } of sources) {
    if (policy === undefined) continue;
    const filter = { sources: [name], ...(holdsFiles(kind) ? { hosts: [hostname()] } : {}) };
    const own = (all: readonly Snapshot[]) => all.filter((each) => matchesFilter(each, filter));
    const together = [...own(candidates), ...own(there)].sort(
      (a, b) => b.time.getTime() - a.time.getTime(),
    );
    const groups = planByPolicy(groupSnapshots(together, ['source']), policy, new Date(), needed);
    for (const { keep, snapshot } of groups.flatMap(({ decisions }) => decisions)) {
      if (!keep) wanted.delete(snapshot.id);
    }
  }
  return wanted;
}
