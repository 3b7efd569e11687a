import { describeHolder, holdsOf } from './freeze-holds.ts';
import { type FreezeRecord, isFrozen } from './freeze-record.ts';
import { freezeStore } from './freeze-store.ts';

/** A source that is frozen, as the state folder of this host knows it. */
export interface FrozenSource {
  readonly freeze: string;
  readonly source: string;
  readonly since: Date;
  /** Who wants it so, in words: somebody by hand, or a run until its thaw. */
  readonly by: readonly string[];
  readonly ageMs: number;
  readonly isTooLong: boolean;
  /** Only its former place is: it is in use at another one, and nobody is meant to write here any more. */
  readonly isFormer: boolean;
  /** It was begun and neither finished nor thawed: by a process that is at it now, or by one that died. */
  readonly isHalf: boolean;
  /** What can still write. */
  readonly gaps: readonly string[];
}

export interface FreezeWatch {
  readonly stateFolder: string;
  /** `recovery.frozenTooLong`. */
  readonly tooLongMs: number;
  readonly now: Date;
}

/** Every source that is frozen. Errors: `file.unreadable`. */
export async function frozenSources(watch: FreezeWatch): Promise<readonly FrozenSource[]> {
  const records = await freezeStore(watch.stateFolder).open();
  return records.flatMap((record) =>
    record.sources.map((source) => describe(record, source, watch)),
  );
}

/** Those that have been frozen for too long. For a timer: every call gives all of them again. Errors: `file.unreadable`. */
export async function watchFreezes(watch: FreezeWatch): Promise<readonly FrozenSource[]> {
  return (await frozenSources(watch)).filter(({ isTooLong }) => isTooLong);
}

function describe(
  record: FreezeRecord,
  source: string,
  { tooLongMs, now }: FreezeWatch,
): FrozenSource {
  const since = new Date(record.startedAt);
  // A clock that was set back must not make a freeze look new for as long.
  const databases = record.items.filter(
    (item) => item.kind === 'database' && isFrozen(item) && item.sources.includes(source),
  );
  const isFormer =
    databases.length > 0 && databases.every((item) => item.kind === 'database' && item.isFormer);
  const ageMs = Math.abs(now.getTime() - since.getTime());
  return {
    freeze: record.id,
    source,
    since,
    by: holdsOf(record)
      .filter((each) => each.source === source && each.takenBy === undefined)
      .map(describeHolder),
    ageMs,
    isTooLong: !isFormer && ageMs >= tooLongMs,
    isFormer,
    isHalf: record.phase !== 'frozen',
    gaps: record.gaps
      .filter((gap) => gap.source === undefined || gap.source === source)
      .map(({ what }) => what),
  };
}
