import type { FreezeHold, FreezeRecord } from './freeze-record.ts';

/** For whom something is frozen or thawed: a run by its id, or, where it is absent, somebody by hand. */
export interface FreezeHolder {
  readonly run?: string | undefined;
  readonly actor: string;
  readonly now: Date;
}

/** Who wants each source of it frozen. Where nobody is written down it was whoever began it, by hand. */
export function holdsOf({ holds = [], sources, actor, startedAt }: FreezeRecord) {
  const nobodys = sources.filter((source) => !holds.some((each) => each.source === source));
  const byHand = nobodys.map((source): FreezeHold => ({ source, actor, since: startedAt }));
  return [...holds, ...byHand];
}

/**
 * With the sources held for one more. A run takes over what was frozen by hand before it; what is frozen by hand behind its beginning
 * is meant to last longer, and stays with whoever did it.
 */
export function withHolder(
  holds: readonly FreezeHold[],
  sources: readonly string[],
  { run, actor, now }: FreezeHolder,
): readonly FreezeHold[] {
  const missing = sources.filter((source) => !holds.some((each) => isOf(each, source, run)));
  const taken = holds.map((each) =>
    run !== undefined && isByHand(each) && missing.includes(each.source)
      ? { ...each, takenBy: run }
      : each,
  );
  const since = now.toISOString();
  const added = missing.map(
    (source): FreezeHold => ({ source, ...(run === undefined ? {} : { run }), actor, since }),
  );
  return [...taken, ...added];
}

/** What stands when the run wants it no more. `before`, of an undo: what was frozen by hand before the run, and is so again. */
export function withoutRun(
  holds: readonly FreezeHold[],
  run: string,
  before?: readonly FreezeHold[],
): readonly FreezeHold[] {
  const stand = holds.flatMap((hold) => {
    if (hold.run === run) return [];
    const { takenBy, ...rest } = hold;
    if (takenBy !== run) return [hold];
    return before === undefined ? [] : [rest];
  });
  const isThere = ({ source }: FreezeHold) =>
    stand.some((each) => each.source === source && isByHand(each));
  const again = (before ?? [])
    .filter((each) => !isThere(each))
    .map(({ takenBy: _, ...rest }) => rest);
  return [...stand, ...again];
}

export function isHeldBy({ holds = [] }: FreezeRecord, run: string): boolean {
  return holds.some((each) => each.run === run);
}

/** `by hand by alice since 2026-11-27T03:00:00.000Z`. */
export function describeHold(hold: FreezeHold): string {
  return `${describeHolder(hold)} since ${hold.since}`;
}

export function describeHolder({ run, actor }: FreezeHold): string {
  return run === undefined ? `by hand by ${actor}` : `by run ${run} of ${actor}`;
}

function isOf(hold: FreezeHold, source: string, run: string | undefined): boolean {
  if (hold.source !== source) return false;
  return run === undefined ? isByHand(hold) : hold.run === run;
}

/** By hand, and no run has taken it over. */
function isByHand({ run, takenBy }: FreezeHold): boolean {
  return run === undefined && takenBy === undefined;
}
