import { holdsOf } from './freeze-holds.ts';
import {
  type FreezeHold,
  type FreezeItem,
  type FreezeRecord,
  type FrozenMaintenanceFile,
  isFrozen,
} from './freeze-record.ts';

type Begun = Pick<FreezeRecord, 'startedAt'>;

/** The same for the same thing in every record, whoever has frozen it, and under whatever name. */
export function keyOf(item: FreezeItem): string {
  if (item.kind === 'service') return `service ${item.service}`;
  if (item.kind === 'database') return `database ${item.systemId} ${item.oid}`;
  return item.kind === 'maintenance-file' ? pageFileKey(item) : 'page';
}

export function pageFileKey({ place, at }: Pick<FrozenMaintenanceFile, 'place' | 'at'>): string {
  return `page ${place.fingerprint} ${at}`;
}

export function recordedAt(item: FreezeItem, { startedAt }: Begun): string {
  return item.recordedAt ?? startedAt;
}

/** What a freeze holds: each item as it was recorded then, and each wish. What is frozen anew behind a thaw has another key. */
export function keysOf(record: FreezeRecord): readonly string[] {
  return [
    ...record.items.filter(isFrozen).map((item) => itemKey(item, record)),
    ...holdsOf(record).map(holdKey),
  ];
}

/**
 * What a freeze still holds by itself: without what others have taken over. Undefined: nothing. `all`: every record that is known, also of those that
 * are thawed. Where two hosts took from each other at once, both keep it: rather twice than never.
 */
export function leftOf(
  record: FreezeRecord,
  all: readonly FreezeRecord[],
): FreezeRecord | undefined {
  const isLeft = (key: string) => !isTaken(record.id, key, all);
  const held = record.items.filter(isFrozen).map((item) => itemKey(item, record));
  const taken = keysOf(record).filter((key) => !isLeft(key));
  if (taken.length === 0) return record;
  if (taken.length === keysOf(record).length) return undefined;
  const items = record.items.filter(
    (item) => !held.includes(itemKey(item, record)) || isLeft(itemKey(item, record)),
  );
  const holds = holdsOf(record).filter((hold) => isLeft(holdKey(hold)));
  const wanted = [...holds.map(({ source }) => source), ...items.flatMap((each) => each.sources)];
  return { ...record, items, holds, sources: [...new Set(wanted)] };
}

/** Those that have taken something of it over. */
export function takersOf(id: string, all: readonly FreezeRecord[]): readonly FreezeRecord[] {
  return all.filter((each) => each.id !== id && each.tookOver?.some((taken) => taken.id === id));
}

/** Whether it is meant by this id: its own, or one of a freeze that it goes on with. */
export function isCalled({ id, tookOver = [] }: FreezeRecord, wanted: string): boolean {
  return id === wanted || tookOver.some((taken) => taken.id === wanted);
}

function isTaken(id: string, key: string, all: readonly FreezeRecord[]): boolean {
  return [...takersOfKey(id, key, all)].some((taker) => !takersOfKey(taker, key, all).has(id));
}

/** Ids of those that took it, of those that took it from these, and so on. */
function takersOfKey(id: string, key: string, all: readonly FreezeRecord[]): ReadonlySet<string> {
  const found = new Set<string>();
  const next = [id];
  for (let from = next.pop(); from !== undefined; from = next.pop()) {
    for (const { id: taker, tookOver = [] } of all) {
      const takes = tookOver.some((taken) => taken.id === from && taken.keys.includes(key));
      if (!takes || found.has(taker)) continue;
      found.add(taker);
      next.push(taker);
    }
  }
  return found;
}

function itemKey(item: FreezeItem, record: Begun): string {
  return `${keyOf(item)} of ${recordedAt(item, record)}`;
}

function holdKey({ source, run, actor, since }: FreezeHold): string {
  return `source ${source} ${run === undefined ? `by hand by ${actor}` : `by run ${run}`} of ${since}`;
}
