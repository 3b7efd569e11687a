import { LifeboatError } from '../../../core/index.ts';
import type { StepInputs } from '../step-inputs.ts';
import type { StepContext, StepKind } from '../step-kind.ts';
import { freezeAgain, thawAll } from './freeze.ts';

type Input = StepInputs['thaw'];
type Frozen = StepInputs['freeze'];

/** Exactly what the freeze wrote down is put back; what is back already is left alone. */
export const thawStep: StepKind<Input> = {
  name: 'thaw',

  async probe() {
    return { found: 'continue' };
  },

  async run({ of }, context) {
    const { frozen, freeze } = frozenBy(of, context);
    const { thawed, notes } = await thawAll(frozen, freeze, context);
    return {
      text: thawed.length === 0 ? 'nothing was frozen any more' : `thawed ${thawed.join(', ')}`,
      result: { frozen },
      evidence: { freeze, thawed, notes },
    };
  },

  /** What comes before it in the plan may only be undone while nobody writes. */
  async undo({ of }, _outcome, context) {
    const { frozen } = frozenBy(of, context);
    return (await freezeAgain(frozen, context)).text;
  },
};

function frozenBy(of: string, { outcomes }: StepContext) {
  const { frozen, freeze } = outcomes[of]?.result ?? {};
  if (typeof frozen === 'object' && frozen !== null && typeof freeze === 'string') {
    return { frozen: frozen as Frozen, freeze };
  }
  throw new LifeboatError('run.failed', `the step ${of} says nothing of what it froze`, {
    hint: 'It was left out. See what is frozen with `lifeboat status`, thaw it with `lifeboat thaw`, and leave this step out with a reason.',
  });
}
