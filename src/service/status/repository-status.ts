import type { RepositorySetting } from '../../config/index.ts';
import {
  type CheckFinding,
  type ListedLock,
  leftoversOfStockTools,
  type Repository,
  type Snapshot,
} from '../../repository/index.ts';
import { windowOpeners } from '../../sources/index.ts';
import { type ActivityNotes, readActivities } from '../activity.ts';
import { keptAfterCopy } from '../kept-after-copy.ts';
import { type KeptSource, promisesOf } from '../kept-sources.ts';

export interface RepositoryStatus {
  readonly name: string;
  readonly location: string;
  /** Why it does not open; then nothing else is known. */
  readonly problem?: string;
  readonly snapshots: number;
  readonly newest?: Date;
  readonly locks: readonly ListedLock[];
  readonly activities: ActivityNotes;
  /** What stock tools left behind: a log without its snapshots, snapshots without their log. */
  readonly leftBehind: readonly CheckFinding[];
  /** Of a copy: what it was made from, and how many of its snapshots should be here and are not. */
  readonly copyOf?: { readonly name: string; readonly missing?: number };
}

/** A repository as it was opened, or why it was not. */
export interface SeenRepository {
  readonly name: string;
  readonly setting: RepositorySetting;
  readonly location: string;
  readonly repository?: Repository;
  /** Newest first. */
  readonly snapshots: readonly Snapshot[];
  readonly problem?: string;
}

export async function repositoryStatus(
  seen: SeenRepository,
  others: readonly SeenRepository[],
  options: {
    readonly stateFolder: string;
    readonly sources: readonly KeptSource[];
    readonly signal?: AbortSignal;
  },
): Promise<RepositoryStatus> {
  const { name, setting, repository, snapshots, problem } = seen;
  const { stateFolder, signal } = options;
  const original = others.find((each) => each.name === setting.copyFrom);
  const isKnown = repository !== undefined && original?.repository !== undefined;
  const needed =
    isKnown && (await windowOpeners(original.repository, promisesOf(options.sources), signal));
  const about = {
    name,
    location: seen.location,
    ...(problem === undefined ? {} : { problem }),
    ...(setting.copyFrom === undefined
      ? {}
      : {
          copyOf: {
            name: setting.copyFrom,
            ...(needed
              ? {
                  missing: keptAfterCopy(
                    original?.snapshots ?? [],
                    snapshots,
                    options.sources,
                    needed,
                  ).size,
                }
              : {}),
          },
        }),
  };
  if (repository === undefined) {
    return { ...about, snapshots: 0, locks: [], activities: {}, leftBehind: [] };
  }
  const aborting = signal === undefined ? {} : { signal };
  const [locks, activities, logs] = await Promise.all([
    repository.unlock({ dryRun: true, ...aborting }),
    readActivities(stateFolder, repository),
    repository.logNames(signal),
  ]);
  const [newest] = snapshots;
  return {
    ...about,
    snapshots: snapshots.length,
    ...(newest === undefined ? {} : { newest: newest.time }),
    locks,
    activities,
    leftBehind: leftoversOfStockTools(snapshots, new Set(logs)),
  };
}
