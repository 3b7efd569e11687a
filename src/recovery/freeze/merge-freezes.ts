import { holdsOf } from './freeze-holds.ts';
import {
  type ConnectGrant,
  type DatabaseChange,
  type FreezeHold,
  type FreezeItem,
  type FreezeRecord,
  type FrozenDatabase,
  isFrozen,
} from './freeze-record.ts';
import { sameGrant } from './postgres/database-state.ts';
import { keyOf, keysOf, recordedAt } from './taken-over.ts';

interface Recorded {
  readonly item: FreezeItem;
  readonly host: string;
}

/**
 * The record with all that others hold. Of what several have recorded the former state is that of whoever saw it first: who came later saw what the first
 * one had frozen.
 */
export function mergeFreezes(record: FreezeRecord, others: readonly FreezeRecord[]): FreezeRecord {
  if (others.length === 0) return record;
  const all = [record, ...others];
  const recorded = all.flatMap((each) => frozenIn(each));
  const first = (one: Recorded, other: Recorded) =>
    recordedAt(one.item, record).localeCompare(recordedAt(other.item, record));
  const items: FreezeItem[] = [];
  for (const same of Map.groupBy(recorded, ({ item }) => keyOf(item)).values()) {
    const [{ item, host }, ...later] = same.toSorted(first) as [Recorded, ...Recorded[]];
    const merged = later.reduce((former, each) => merge(former, each.item), item);
    const isNamed = items.some(({ name }) => name === merged.name);
    items.push(isNamed ? { ...merged, name: `${merged.name} (${host}, ${keyOf(item)})` } : merged);
  }
  const taken = others.flatMap((each) => [
    ...(each.tookOver ?? []),
    { id: each.id, host: each.host, keys: keysOf(each) },
  ]);
  return {
    ...record,
    startedAt: all.map(({ startedAt }) => startedAt).sort()[0] as string,
    sources: [...new Set(all.flatMap(({ sources }) => sources))],
    holds: mergeHolds(all.flatMap((each) => holdsOf(each))),
    items,
    gaps: all.flatMap(({ gaps }) => gaps),
    tookOver: [...(record.tookOver ?? []), ...taken],
  };
}

function frozenIn(record: FreezeRecord): readonly Recorded[] {
  return record.items.filter(isFrozen).map((item) => ({
    item: { ...item, recordedAt: recordedAt(item, record) },
    host: record.host,
  }));
}

/** `later`: the same thing as another host has found it, frozen already or not, and what that one has changed of it. */
function merge(former: FreezeItem, later: FreezeItem): FreezeItem {
  const sources = [...new Set([...former.sources, ...later.sources])];
  const state = [former.state, later.state].includes('done') ? 'done' : 'planned';
  if (former.kind !== 'database') return { ...former, sources, state };
  const change = mergeChanges(former.change, (later as FrozenDatabase).change);
  return { ...former, sources, state, change };
}

/** All that a thaw has to take back. Of limits the later one is what stands. */
function mergeChanges(one: DatabaseChange, other: DatabaseChange): DatabaseChange {
  const connectionLimit = other.connectionLimit ?? one.connectionLimit;
  // What the former freeze has given to a role of ours is not taken back by giving it.
  const isNew = (each: ConnectGrant) =>
    !one.grant.includes(each.grantee) && !one.revoke.some((known) => sameGrant(known, each));
  return {
    setReadOnly: one.setReadOnly || other.setReadOnly,
    revoke: [...one.revoke, ...other.revoke.filter(isNew)],
    grant: [...new Set([...one.grant, ...other.grant])],
    ...(connectionLimit === undefined ? {} : { connectionLimit }),
  };
}

/** Once for each who wants it. */
function mergeHolds(holds: readonly FreezeHold[]): readonly FreezeHold[] {
  const byHolder = new Map<string, FreezeHold>();
  for (const hold of holds) {
    const { source, run, actor, since } = hold;
    const key = JSON.stringify([source, run ?? [actor, since]]);
    if (!byHolder.has(key)) byHolder.set(key, hold);
  }
  return [...byHolder.values()];
}
