import { LifeboatError } from '../../core/index.ts';
import { freezesInRepositories, type RepositoryProblem } from './freeze-copies.ts';
import type { FreezeRecord } from './freeze-record.ts';
import type { FreezeWorld } from './freeze-request.ts';
import { storeOf } from './look-at-freeze.ts';

export interface FoundFreezes {
  /** Oldest first. */
  readonly records: readonly FreezeRecord[];
  /** `here`: the state folder of this host; else what repositories say that other hosts, or this one before, have frozen. */
  readonly from: 'here' | 'repositories';
  /** Repositories that could not be asked. */
  readonly problems: readonly RepositoryProblem[];
}

/** What is frozen. Repositories are asked only when this host knows of nothing, or not of the one that is named. */
export async function findFreezes(world: FreezeWorld, id?: string): Promise<FoundFreezes> {
  const store = storeOf(world);
  const here = await store.open();
  const isKnown = id === undefined ? here.length > 0 : here.some((each) => each.id === id);
  if (isKnown) return { records: here, from: 'here', problems: [] };
  const { records, problems } = await freezesInRepositories(world);
  const open: FreezeRecord[] = [];
  for (const record of records) if (!(await store.isHistory(record.id))) open.push(record);
  return { records: open, from: 'repositories', problems };
}

/** The one that is meant; without an id the only one. Errors: `thaw.nothing`, `usage.invalid` (there are several). */
export function pickFreeze(
  { records, problems }: FoundFreezes,
  id: string | undefined,
): FreezeRecord {
  const chosen = id === undefined ? records : records.filter((each) => each.id === id);
  const [only, other] = chosen;
  if (only !== undefined && other === undefined) return only;
  if (only !== undefined) {
    const list = records.map((each) => `${each.id} (${each.host}, since ${each.startedAt})`);
    throw new LifeboatError('usage.invalid', 'which freeze is meant?', {
      hint: `Name one of ${list.join(', ')}.`,
    });
  }
  const unasked = problems.map(({ repository, problem }) => `${repository}: ${problem}`).join('; ');
  throw new LifeboatError(
    'thaw.nothing',
    id === undefined ? 'nothing is frozen' : `there is no freeze ${id} that is not thawed`,
    {
      hint:
        unasked === ''
          ? 'Neither the state folder of this host nor a repository knows of one.'
          : `The state folder of this host knows of none; not all repositories could be asked (${unasked}).`,
    },
  );
}
