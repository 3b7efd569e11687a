import { LifeboatError } from '../../core/index.ts';
import { isRecovered } from './is-recovered.ts';
import type { RunState } from './run-state.ts';

/**
 * A plan is carried out once: what it was made for is no more, and its steps would put away what the first run brought. One that was given up
 * may be tried again. Errors: `plan.refused`, naming the run and when it ended.
 */
export function requireNotCarriedOut(
  plan: { readonly id: string },
  all: readonly RunState[],
): void {
  const former = all.find(
    (each) => each.plan.id === plan.id && (each.phase === 'done' || isRecovered(each)),
  );
  if (former === undefined) return;
  const { run, lastTime } = former;
  const sources = former.plan.sources.join(', ');
  throw new LifeboatError(
    'plan.refused',
    `the plan ${plan.id} was carried out already, by run ${run}, which ${former.phase === 'done' ? 'was done' : 'had recovered'} at ${lastTime}`,
    {
      hint: `Nothing was changed. Is something wrong again with ${sources}? Make a new plan: \`lifeboat recover\`, or \`lifeboat plan --keep\`.`,
      context: { plan: plan.id, run },
    },
  );
}
