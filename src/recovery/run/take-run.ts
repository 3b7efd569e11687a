import { randomBytes } from 'node:crypto';
import { LifeboatError, type Progress, sleep } from '../../core/index.ts';
import type { Engine } from './engine/engine.ts';
import { describeHolder, type Holder, lifeOf } from './holder.ts';
import { isRecovered } from './is-recovered.ts';
import { Lease } from './lease.ts';
import type { RepositoryCopies, RunClaim } from './repository-copies.ts';
import { overlaps, Rivals } from './rivals.ts';
import type { RunEntry } from './run-entry.ts';
import { foldRun, mergeEntries, type RunState } from './run-state.ts';
import { takeHere } from './take-here.ts';

const lookMs = 250;

export interface TakeOptions {
  readonly engine: Engine;
  readonly copies: RepositoryCopies;
  readonly run: string;
  readonly epoch: number;
  readonly targets: readonly string[];
  readonly holder: Holder;
  /** Host whose process a person says is gone. */
  readonly takeOver?: string;
  /** As in `TakeHereOptions`. */
  readonly nameOf: (target: string) => string;
  /** The engine knows the newest entry of the run: then it also knows whether somebody drives it. */
  readonly isShared: boolean;
  /** It is only to be given up. */
  readonly givesUp: boolean;
  /** As in `Claim`. */
  readonly over: readonly string[];
  readonly now: () => Date;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/**
 * Makes this process the one that drives the run: against others with the same state by the engine, against hosts that share nothing but a
 * repository by what is written there. Of several at once one wins. Errors: `run.busy`, naming who, where and since when.
 */
export async function takeRun(options: TakeOptions): Promise<Lease> {
  const epoch = await takeHere(options);
  const lease = new Lease(options.engine, options.run, epoch);
  try {
    const signal = AbortSignal.any([options.signal, lease.signal]);
    await agree({ ...options, epoch, signal });
    return lease;
  } catch (error) {
    await lease[Symbol.asyncDispose]();
    throw error;
  }
}

/** Each writes that it comes before it looks who else does; so of two at least one sees the other. */
async function agree(options: TakeOptions): Promise<void> {
  const { copies, now, progress } = options;
  const { run, epoch, targets, holder } = options;
  const since = now().toISOString();
  const id = randomBytes(8).toString('hex');
  const claim: RunClaim = { run, epoch, id, holder: { ...holder, since }, targets };
  await copies.store({ type: 'claim', ...claim });
  try {
    const rivals = new Rivals(claim, progress);
    for (;;) {
      const records = await copies.read();
      const occupied = runInTheWay(options, [...records.entries, ...(await knownHere(options))]);
      if (occupied) throw busyElsewhere(run, occupied.text, occupied.hint);
      const { open, winner, gone } = rivals.judge(records, now());
      for (const each of gone) await copies.store({ type: 'withdrawn', ...each });
      if (open.length === 0) return;
      if (winner) {
        throw busyElsewhere(
          run,
          `${describeHolder(winner.holder)} is just taking it`,
          'Try again in a minute when that one gave up.',
        );
      }
      await sleep(lookMs, options.signal);
    }
  } catch (error) {
    await copies.store({ type: 'withdrawn', ...claim });
    throw error;
  }
}

/** Of other runs: this host may know of one that no repository has heard of. */
async function knownHere({ engine, run }: TakeOptions): Promise<readonly RunEntry[]> {
  const others = (await engine.runs()).filter((each) => each !== run);
  return (await Promise.all(others.map((each) => engine.entries(each)))).flat();
}

/**
 * A run that is to be given up stands back only from one that is driven: where two began on the same target and no repository told them of each
 * other, neither may go on before one of them was given up. From one that has recovered, and only keeps what it replaced, every run does.
 */
function runInTheWay(
  { run, epoch, targets, takeOver, isShared, givesUp }: TakeOptions,
  entries: readonly RunEntry[],
): { readonly text: string; readonly hint: string } | undefined {
  const byRun = Map.groupBy(mergeEntries(entries), (entry) => entry.run);
  for (const [id, own] of byRun) {
    const state = foldRun(own);
    if (
      !state ||
      isEnded(state) ||
      !overlaps({ run: id, targets: state.targets }, { run, targets })
    )
      continue;
    if (id !== run) {
      if ((givesUp || isRecovered(state)) && !isDrivenElsewhere(state, undefined)) continue;
      return otherRun(state, run, epoch);
    }
    if (state.epoch >= epoch) {
      return {
        text: `${state.holder ? describeHolder(state.holder) : 'another process'} has taken it meanwhile`,
        hint: 'See `lifeboat recover --status`.',
      };
    }
    if (!isShared && isDrivenElsewhere(state, takeOver)) return stillDriven(state);
  }
  return undefined;
}

export function isEnded({ phase }: RunState): boolean {
  return phase === 'done' || phase === 'aborted';
}

/**
 * Nobody can tell a host that is gone from one that cannot be reached: where the state is not shared, a person says so by its name.
 */
export function isDrivenElsewhere(state: RunState, takeOver: string | undefined): boolean {
  const { holder, phase } = state;
  if (!holder || phase === 'paused') return false;
  const life = lifeOf(holder);
  return life === 'alive' || (life === 'unknown' && takeOver !== holder.host);
}

export function stillDriven(state: RunState): { readonly text: string; readonly hint: string } {
  const holder = state.holder as Holder;
  return {
    text: `${describeHolder(holder)} drives it; last sign of life at ${state.lastTime}`,
    hint:
      lifeOf(holder) === 'alive'
        ? 'Say what you want to that one: `lifeboat recover --pause`, `--approve`, `--abort`.'
        : `Is that host gone for good, or switched off? Only then: \`lifeboat recover --resume ${state.plan.incident} --take-over ${holder.host}\`.`,
  };
}

function otherRun({ run, plan, phase, holder, lastTime }: RunState, wanted: string, epoch: number) {
  const who = holder ? ` by ${describeHolder(holder)}` : '';
  return {
    text: `run ${run} of incident ${plan.incident} works on the same target (${phase}${who}; last entry ${lastTime})`,
    hint: `Go on with it by \`lifeboat recover --resume ${plan.incident}\`, or give it up by \`lifeboat recover --abort ${run}\`.${epoch === 1 ? '' : ` Or give up this one: \`lifeboat recover --abort ${wanted}\`.`}`,
  };
}

function busyElsewhere(run: string, text: string, hint: string): LifeboatError {
  return new LifeboatError('run.busy', `run ${run} cannot begin here: ${text}`, {
    hint: `Nothing was changed. ${hint}`,
    context: { run },
  });
}
