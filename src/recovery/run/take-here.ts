import { LifeboatError, type Progress, sleep } from '../../core/index.ts';
import { type Claim, type Engine, leaseMs, type Occupant } from './engine/engine.ts';
import { describeHolder, lifeOf } from './holder.ts';

const lookMs = 1000;

export interface TakeHereOptions extends Omit<Claim, 'isForced' | 'silent'> {
  readonly engine: Engine;
  /** Host whose process a person says is gone. */
  readonly takeOver?: string;
  /** A target, as the plan names it. */
  readonly nameOf: (target: string) => string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/**
 * Takes the run in the state of this host, or of several. A process that may be gone is watched for as long as a lease, and taken over when it
 * gives no sign of life. Resolves with the epoch that was got: higher than asked for where a process took the run, and died before it
 * wrote anything. Its epoch is in no journal, and is never given again: should that process live after all, what it writes is refused.
 * Errors: `run.busy`, `cancelled`, those of the engine.
 */
export async function takeHere(options: TakeHereOptions): Promise<number> {
  const { engine, run, targets, holder, takeOver, progress, signal } = options;
  const claim = { run, targets, holder, isForced: takeOver !== undefined };
  const watch = new SilenceWatch(progress);
  for (let { epoch } = options; ; ) {
    const { silent } = watch;
    const { givesUp = false, over = [] } = options;
    const taken = await engine.take({ ...claim, epoch, givesUp, over, silent });
    if (taken.taken) return epoch;
    const { by } = taken;
    if (watch.mayBeGone(by)) {
      await sleep(lookMs, signal);
      continue;
    }
    if (by.run !== run || by.epoch < epoch) throw busyHere(options, by);
    const entries = await engine.entries(run);
    if (entries.some((entry) => entry.epoch >= by.epoch)) throw busyHere(options, by);
    epoch = by.epoch + 1;
  }
}

/** Since when the newest sign of life of each is the same, by a clock that nobody sets. */
class SilenceWatch {
  readonly #progress: Progress;
  readonly #seen = new Map<string, { readonly sign: string; readonly since: number }>();

  constructor(progress: Progress) {
    this.#progress = progress;
  }

  get silent(): readonly string[] {
    const now = performance.now();
    return [...this.#seen.values()]
      .filter(({ since }) => now - since >= leaseMs)
      .map(({ sign }) => sign);
  }

  /** False: it lives, or stands in the way whether it lives or not. */
  mayBeGone({ run, epoch, holder, sign }: Occupant): boolean {
    if (sign === undefined || holder === undefined) return false;
    const key = `${epoch} ${run}`;
    const known = this.#seen.get(key);
    if (known) return known.sign === sign;
    // After the answer: what it says was so before.
    this.#seen.set(key, { sign, since: performance.now() });
    this.#progress({
      type: 'note',
      message: `${describeHolder(holder)} drives run ${run}, and cannot be seen from here: looking for ${leaseMs / 1000} s whether it still gives signs of life`,
    });
    return true;
  }
}

function busyHere({ run, nameOf }: TakeHereOptions, by: Occupant): LifeboatError {
  const drives = by.holder && lifeOf(by.holder) === 'dead' ? 'drove, and has ended,' : 'drives';
  const who = by.holder
    ? `${describeHolder(by.holder)} ${drives} run ${by.run}`
    : `run ${by.run} is paused`;
  const same = by.run === run;
  const fact = same ? who : `${who} on the same target (${nameOf(by.target)})`;
  return new LifeboatError('run.busy', fact, {
    hint: `Nothing was changed. ${
      same
        ? 'Say what you want to that one: `lifeboat recover --pause`, `--approve`, `--abort`.'
        : `Two runs must not change one thing: let that one end, or give it up by \`lifeboat recover --abort ${by.run}\`.`
    }`,
    context: { run: by.run, target: by.target },
  });
}
