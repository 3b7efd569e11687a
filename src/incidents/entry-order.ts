import type { IncidentEntry } from './entry.ts';

/**
 * The entries of all writers in one order, the same whatever order they come in: each after those it has seen (its writer's former ones,
 * and the heads it names), and else by time. So a clock that was set back, or wrong, moves nothing in front of its cause. Entries that name
 * each other in a circle, which no honest writer can make, come last.
 */
export function inOrder(entries: readonly IncidentEntry[]): readonly IncidentEntry[] {
  const byId = new Map(entries.map((each) => [each.id, each]));
  const waitsFor = new Map<string, number>();
  const followers = new Map<string, string[]>();
  for (const each of byId.values()) {
    const seen = new Set([each.previous, ...each.heads].filter((id) => byId.has(id)));
    waitsFor.set(each.id, seen.size);
    for (const id of seen) followers.set(id, [...(followers.get(id) ?? []), each.id]);
  }
  const ready = [...byId.values()].filter(({ id }) => waitsFor.get(id) === 0).sort(latestFirst);
  const ordered: IncidentEntry[] = [];
  for (let next = ready.pop(); next !== undefined; next = ready.pop()) {
    ordered.push(next);
    waitsFor.delete(next.id);
    for (const id of followers.get(next.id) ?? []) {
      const left = (waitsFor.get(id) as number) - 1;
      waitsFor.set(id, left);
      if (left === 0) insert(ready, byId.get(id) as IncidentEntry);
    }
  }
  const circular = [...waitsFor.keys()].map((id) => byId.get(id) as IncidentEntry);
  return [...ordered, ...circular.sort(latestFirst).reverse()];
}

/** Ids of the entries that no other one of them names. */
export function headsOf(entries: readonly IncidentEntry[]): readonly string[] {
  const named = new Set(entries.flatMap(({ previous, heads }) => [previous, ...heads]));
  return entries
    .map(({ id }) => id)
    .filter((id) => !named.has(id))
    .sort();
}

function insert(sorted: IncidentEntry[], entry: IncidentEntry): void {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (latestFirst(sorted[middle] as IncidentEntry, entry) < 0) low = middle + 1;
    else high = middle;
  }
  sorted.splice(low, 0, entry);
}

function latestFirst(a: IncidentEntry, b: IncidentEntry): number {
  return (
    b.time.getTime() - a.time.getTime() ||
    compare(b.writer, a.writer) ||
    b.sequence - a.sequence ||
    compare(b.id, a.id)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
