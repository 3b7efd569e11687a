import { LifeboatError } from '../../core/index.ts';
import type { RepositoryProblem } from './freeze-copies.ts';
import type { FreezeRecord } from './freeze-record.ts';
import type { FreezeWorld } from './freeze-request.ts';
import { type FreezeHere, openFreezes } from './open-freezes.ts';
import { isCalled } from './taken-over.ts';

export interface FoundFreezes {
  /** Oldest first. */
  readonly records: readonly FreezeRecord[];
  /** `here`: the state folder of this host; else what repositories say that other hosts, or this one before, have frozen. */
  readonly from: 'here' | 'repositories';
  /** All of this host, also what others have taken over. */
  readonly here: readonly FreezeHere[];
  /** Repositories that could not be asked. */
  readonly problems: readonly RepositoryProblem[];
}

/**
 * What a thaw may mean: the freezes of this host, and only when it knows of none, or not of the one that is named, those of others. What another host goes
 * on with is that one's.
 */
export async function findFreezes(world: FreezeWorld, id?: string): Promise<FoundFreezes> {
  const { here, elsewhere, problems } = await openFreezes(world);
  const left = here.flatMap((each) => each.left ?? []);
  const isKnown = id === undefined ? left.length > 0 : left.some((each) => isCalled(each, id));
  if (isKnown) return { records: left, from: 'here', here, problems };
  // Of this host's own nothing is left but what these go on with: no other is meant.
  const heirs = [...new Set(here.flatMap(({ by }) => by))];
  const records = id === undefined && heirs.length > 0 ? heirs : elsewhere;
  return { records, from: 'repositories', here, problems };
}

/** The one that is meant; without an id the only one. Errors: `thaw.nothing`, `usage.invalid` (there are several). */
export function pickFreeze(
  { records, problems }: FoundFreezes,
  id: string | undefined,
): FreezeRecord {
  const named = records.filter((each) => each.id === id);
  const heirs = records.filter((each) => id === undefined || isCalled(each, id));
  const chosen = named.length > 0 ? named : heirs;
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
