import { isLifeboatError } from '../../../core/index.ts';
import type { StepContext, StepKind, StepKindName } from '../../steps/step-kind.ts';
import type { Plan } from '../plan.ts';
import { type PlanFinding, problem, warning } from './plan-finding.ts';

/** The code of the steps, as far as it is there. */
export type KnownStepKinds = Readonly<Partial<Record<StepKindName, StepKind>>>;

/** What the code of each step has against it. A kind without code is left to people. */
export async function checkSteps(
  { steps }: Plan,
  kinds: KnownStepKinds,
  context: StepContext,
): Promise<readonly PlanFinding[]> {
  const found: PlanFinding[] = [];
  for (const { id, kind: name, input } of steps) {
    const kind = kinds[name];
    const about = { step: id };
    if (kind === undefined) {
      const fact = `this version does not carry out steps of kind ${name} by itself`;
      found.push({ ...warning('step', fact, 'Do by hand what the step says.'), ...about });
      continue;
    }
    try {
      const against = (await kind.check?.(input, context)) ?? [];
      found.push(
        ...against.map((fact) => ({
          ...problem('step', fact, 'Put it right, and make a new plan.'),
          ...about,
        })),
      );
    } catch (error) {
      if (isLifeboatError(error, 'cancelled') || !isLifeboatError(error)) throw error;
      found.push({
        ...problem('step', error.message, error.hint ?? 'Put it right, and make a new plan.'),
        ...about,
      });
    }
  }
  return found;
}
