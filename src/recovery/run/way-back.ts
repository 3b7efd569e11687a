import { LifeboatError } from '../../core/index.ts';
import type { RunState } from './run-state.ts';

/** Sources whose former data was let go of, or may have been: nothing leads back from there. */
export function sourcesLetGoOf({ plan, steps }: RunState): readonly string[] {
  return plan.steps
    .filter(({ id, kind }) => {
      const { attempts = 0, phase } = steps[id] ?? {};
      return kind === 'settle' && attempts > 0 && phase !== 'skipped';
    })
    .map(({ input }) => String(input.source));
}

/**
 * The run that was put over what this one brought, and still is: taking this one back would put away what that one put in place. One that
 * has ended and only changed rows there is no more than something written since. `all`: every run that is known.
 */
export function runOver(state: RunState, all: readonly RunState[]): RunState | undefined {
  return all.find((each) => each.over.includes(state.run) && (!hasEnded(each) || isInPlace(each)));
}

function hasEnded({ phase }: RunState): boolean {
  return phase === 'done' || phase === 'aborted';
}

function isInPlace({ plan, steps }: RunState): boolean {
  return plan.steps.some(({ id, kind }) => {
    const { phase, begunAt } = steps[id] ?? {};
    // Left as it was in the middle counts as being there.
    return kind === 'swap' && (phase === 'done' || (phase === 'skipped' && begunAt !== undefined));
  });
}

/**
 * Giving up begins at the end: it would freeze, and stop servers, before it came to what cannot be put back, and leave them so. Errors:
 * `usage.invalid`, with nothing undone.
 */
export function requireWayBack(state: RunState, all: readonly RunState[]): void {
  const over = runOver(state, all);
  if (state.phase !== 'aborting' && over !== undefined) throw liesUnder(state, over);
  const sources = sourcesLetGoOf(state);
  if (state.phase === 'aborting' || sources.length === 0) return;
  throw new LifeboatError(
    'usage.invalid',
    `run ${state.run} cannot be given up any more: the former data of ${sources.join(', ')} was let go of`,
    {
      hint: `Nothing was undone. Go on with \`lifeboat recover --resume ${state.plan.incident}\`; the state before it is in its safety snapshot.`,
      context: { run: state.run, sources },
    },
  );
}

function liesUnder(state: RunState, over: RunState): LifeboatError {
  const isThere = !hasEnded(over);
  return new LifeboatError(
    'usage.invalid',
    `run ${state.run} cannot be given up${isThere ? ' yet' : ' any more'}: ${over.plan.sources.join(', ')} was recovered over it by run ${over.run}`,
    {
      hint: isThere
        ? `Nothing was undone. Give up that one first: \`lifeboat recover --abort ${over.run}\`. What this one replaced is kept meanwhile.`
        : `Nothing was undone. What it replaced is kept until it is let go of by \`lifeboat recover --resume ${state.run}\`; the state before it is in its safety snapshot, too.`,
      context: { run: state.run, over: over.run },
    },
  );
}
