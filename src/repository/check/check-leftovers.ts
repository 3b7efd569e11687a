import type { CheckFinding, Snapshot } from '../repository.ts';

/**
 * What stock tools leave behind, because they know nothing of logs: `restic copy` takes snapshots without the log that
 * goes on from them, `restic forget` the last snapshot of a log. Nothing is damaged; less can be recovered.
 */
export function leftoversOfStockTools(
  snapshots: readonly Snapshot[],
  logs: ReadonlySet<string>,
): CheckFinding[] {
  const sources = new Set<string>();
  const copied = new Map<string, string[]>();
  for (const { id, tags, original } of snapshots) {
    const source = tags.find((tag) => tag.startsWith('source:'))?.slice('source:'.length);
    if (source === undefined || !tags.includes('kind:postgres')) continue;
    sources.add(source);
    if (original === undefined || logs.has(source)) continue;
    copied.set(source, [...(copied.get(source) ?? []), `snapshot ${id.slice(0, 8)}`]);
  }
  const withoutLog = [...copied].map(([source, affects]) => {
    const problem =
      'its snapshots were copied without it (`restic copy` leaves logs behind; `lifeboat copy` takes them): only the moment of each can be restored';
    return { kind: 'log', name: source, problem, affects, severity: 'hint' as const };
  });
  const withoutBase = [...logs]
    .filter((name) => !sources.has(name))
    .map((name) => {
      const problem = 'no snapshot of its source is here: there is nothing to replay it on';
      return { kind: 'log', name, problem, affects: [], severity: 'hint' as const };
    });
  return [...withoutLog, ...withoutBase];
}
