import { type Holder, lifeOf } from '../holder.ts';
import type { Claim, Occupant } from './engine.ts';

/** A target that a run has, as an engine keeps it. */
export interface HeldTarget {
  readonly target: string;
  readonly run: string;
  readonly epoch: number;
  readonly holder: Holder | undefined;
  /** Another one each time that its process says that it lives. */
  readonly sign: string;
  /** There is something in its journal: a process that died before that left nothing to go on with. */
  readonly isBegun: boolean;
}

/** Who keeps `claim` from its targets; undefined: nobody. Facts in, verdict out: the same for every engine. */
export function occupantOf(claim: Claim, held: readonly HeldTarget[]): Occupant | undefined {
  const blocking = blockingOf(claim, held);
  if (blocking === undefined) return undefined;
  const { run, epoch, target, holder, sign } = blocking;
  const ifSilent = { ...claim, silent: [...(claim.silent ?? []), sign] };
  const canBeWatched = blockingOf(ifSilent, held) !== blocking;
  return { run, epoch, target, ...(holder ? { holder } : {}), ...(canBeWatched ? { sign } : {}) };
}

function blockingOf(claim: Claim, held: readonly HeldTarget[]): HeldTarget | undefined {
  // What was asked for twice, because nobody heard the first answer, is ours already.
  const mine = held.filter((each) => each.run === claim.run && !isClaimed(each, claim));
  return (
    held.find((each) => isInTheWay(each, claim)) ??
    mine.find((each) => each.epoch >= claim.epoch) ??
    mine.find((each) => isDriven(each, claim))
  );
}

function isInTheWay(each: HeldTarget, claim: Claim): boolean {
  const { run, target, isBegun } = each;
  if (run === claim.run || !claim.targets.includes(target)) return false;
  const stands = isBegun && !claim.givesUp && !claim.over?.includes(run);
  return stands || isDriven(each, { ...claim, isForced: false });
}

function isClaimed({ epoch, holder }: HeldTarget, claim: Claim): boolean {
  return epoch === claim.epoch && JSON.stringify(holder) === JSON.stringify(claim.holder);
}

function isDriven({ holder, sign }: HeldTarget, { isForced, silent = [] }: Claim): boolean {
  if (holder === undefined) return false;
  const life = lifeOf(holder);
  return life === 'alive' || (life === 'unknown' && !isForced && !silent.includes(sign));
}
