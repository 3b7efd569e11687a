import type { Progress } from '../../core/index.ts';
import { describeHolder, lifeOf } from './holder.ts';
import type { RunClaim, RunRecords } from './repository-copies.ts';

/** A process that lives has begun, or given up, long before. */
const claimMs = 60_000;
/** How long the first of several waits for the others to step back. */
const stepBackMs = 5000;

export interface RivalsFound {
  /** Claims that stand in the way. */
  readonly open: readonly RunClaim[];
  /** To this one the run is left. */
  readonly winner?: RunClaim;
  /** Their processes died before they began. */
  readonly gone: readonly RunClaim[];
}

/**
 * Claims of others to the same run or targets that have not become a run, nor been given up. One whose time is near ours is of a process that
 * takes the run just now. Any other is old, or of a clock that is wrong, and times do not tell which: it is watched for as long as a
 * process that lives may take, by a clock that nobody sets. Of two that watch each other the first goes on in half that time, which the
 * second sees.
 */
export class Rivals {
  readonly #claim: RunClaim;
  readonly #progress: Progress;
  readonly #begun = performance.now();
  readonly #watched = new Map<string, number>();

  constructor(claim: RunClaim, progress: Progress) {
    this.#claim = claim;
    this.#progress = progress;
  }

  judge(records: RunRecords, now: Date): RivalsFound {
    const all = this.#among(records);
    const isNear = ({ holder }: RunClaim) =>
      Math.abs(now.getTime() - Date.parse(holder.since)) <= claimMs;
    const near = all.filter(isNear);
    const isFirst = near.every((other) => this.#isBefore(other));
    const hasTime = isFirst && performance.now() - this.#begun <= stepBackMs;
    const gone = all.filter((other) => !isNear(other) && this.#isGone(other));
    const open = all.filter((other) => !gone.includes(other));
    const [winner] = hasTime ? [] : near;
    return { open, gone, ...(winner ? { winner } : {}) };
  }

  #among({ claims, entries }: RunRecords): readonly RunClaim[] {
    return claims.flatMap(({ isWithdrawn, ...other }) => {
      if (isWithdrawn || other.id === this.#claim.id || !overlaps(other, this.#claim)) return [];
      if (isSameProcess(other, this.#claim) || lifeOf(other.holder) === 'dead') return [];
      const isTaken = entries.some(({ run, epoch }) => run === other.run && epoch >= other.epoch);
      return isTaken ? [] : [other];
    });
  }

  #isBefore({ id }: RunClaim): boolean {
    return this.#claim.id < id;
  }

  #isGone(other: RunClaim): boolean {
    const since = this.#watched.get(other.id);
    const patienceMs = this.#isBefore(other) ? claimMs / 2 : claimMs;
    if (since !== undefined) return performance.now() - since >= patienceMs;
    this.#watched.set(other.id, performance.now());
    this.#progress({
      type: 'note',
      message: `${describeHolder(other.holder)} was about to take run ${other.run} and never began, or its clock is wrong: looking for ${patienceMs / 1000} s whether it begins`,
    });
    return false;
  }
}

export function overlaps(
  a: Pick<RunClaim, 'run' | 'targets'>,
  b: Pick<RunClaim, 'run' | 'targets'>,
): boolean {
  return a.run === b.run || a.targets.some((target) => b.targets.includes(target));
}

function isSameProcess({ holder: a }: RunClaim, { holder: b }: RunClaim): boolean {
  return a.machine === b.machine && a.pid === b.pid && a.startTicks === b.startTicks;
}
