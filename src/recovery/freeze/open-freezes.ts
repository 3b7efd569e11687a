import { freezesInRepositories, type RepositoryProblem } from './freeze-copies.ts';
import type { FreezeRecord } from './freeze-record.ts';
import type { FreezeWorld } from './freeze-request.ts';
import { storeOf } from './freeze-store.ts';
import { leftOf, takersOf } from './taken-over.ts';

/** A freeze in the state folder of this host. */
export interface FreezeHere {
  readonly record: FreezeRecord;
  /** What it still holds by itself; undefined: nothing. The record itself where nobody has taken anything of it. */
  readonly left: FreezeRecord | undefined;
  /** Freezes, of other hosts as a rule, that have taken of it, are not in this state folder, and are not thawed. */
  readonly by: readonly FreezeRecord[];
}

export interface OpenFreezes {
  /** Oldest first. */
  readonly here: readonly FreezeHere[];
  /** What repositories say that others, or this host before, have frozen: each with what it still holds by itself. Oldest first. */
  readonly elsewhere: readonly FreezeRecord[];
  /** Repositories that could not be asked. */
  readonly problems: readonly RepositoryProblem[];
}

/**
 * What is frozen, here and by other hosts. Repositories are asked also when this host knows of a freeze: another one may have frozen the same, or gone on
 * with what was frozen here. Errors: `file.unreadable`, `cancelled`.
 */
export async function openFreezes(world: FreezeWorld): Promise<OpenFreezes> {
  const store = storeOf(world);
  const own = await store.open();
  const { records, problems } = await freezesInRepositories(world);
  const others = records.filter(({ id }) => !own.some((each) => each.id === id));
  const all = [...own, ...others];
  const open: FreezeRecord[] = [];
  for (const record of others) {
    if (record.phase === 'thawed' || (await store.isHistory(record.id))) continue;
    const left = leftOf(record, all);
    if (left !== undefined) open.push(left);
  }
  const here = own.map((record): FreezeHere => {
    const takers = takersOf(record.id, all).map(({ id }) => id);
    return { record, left: leftOf(record, all), by: open.filter(({ id }) => takers.includes(id)) };
  });
  return { here, elsewhere: open, problems };
}
