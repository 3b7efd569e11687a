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
 * Giving up begins at the end: it would freeze, and stop servers, before it came to what cannot be put back, and leave them so. Errors:
 * `usage.invalid`, with nothing undone.
 */
export function requireWayBack(state: RunState): void {
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
