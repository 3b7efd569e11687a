import type { StepInputs } from '../step-inputs.ts';
import type { StepKind } from '../step-kind.ts';

/** What only a person can do; the approval of the step is the word that it was done, typed out. */
export const manualStep: StepKind<StepInputs['manual']> = {
  name: 'manual',

  async probe() {
    return { found: 'continue' };
  },

  async run({ instruction }) {
    const [first = ''] = instruction.split('\n');
    return {
      text: `it was confirmed: ${first.replace(/:$/, '')}`,
      result: {},
      evidence: { instruction },
    };
  },
};

/** Nothing but its approval. */
export const clearanceStep: StepKind<StepInputs['clearance']> = {
  name: 'clearance',

  async probe() {
    return { found: 'continue' };
  },

  async run() {
    return { text: 'the clearance was given', result: {}, evidence: {} };
  },
};
