import type { Step } from '../plan/plan.ts';
import type { StepOutcome } from '../steps/step-kind.ts';
import { happened, type RunContext } from './run-context.ts';

/** The step is done, and the journal says so. */
export async function finish(
  run: RunContext,
  step: Step,
  end: {
    readonly outcome: StepOutcome;
    readonly durationMs: number;
    readonly known: 'seen' | 'found' | 'said';
  },
): Promise<void> {
  await run.journal.write({ type: 'outcome', step: step.id, ...end });
  const { outcome, ...rest } = end;
  await happened(run, { type: 'step-done', step, text: outcome.text, ...rest });
}
