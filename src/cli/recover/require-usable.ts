import { LifeboatError } from '../../core/index.ts';
import type { ChosenMethod, PlanFinding } from '../../recovery/index.ts';
import { countOf } from '../output/count.ts';

/** Errors: `plan.refused`, when a problem stands against the plan. */
export function requireUsable(findings: readonly PlanFinding[]): void {
  const problems = problemsIn(findings);
  const [only, other] = problems;
  if (only === undefined) return;
  const what = other === undefined ? only.fact : countOf(problems.length, 'problem');
  throw new LifeboatError('plan.refused', `the plan cannot be carried out as it is: ${what}`, {
    hint: 'Put right what is named above, and make a new plan.',
    context: { problems: problems.map(({ fact }) => fact) },
  });
}

export function problemsIn(findings: readonly PlanFinding[]): readonly PlanFinding[] {
  return findings.filter(({ outcome }) => outcome === 'problem');
}

export function nothingAnswers({ reasons }: ChosenMethod): LifeboatError {
  return new LifeboatError('plan.refused', 'nothing that is known answers what was found', {
    hint: 'The reasons above say what is missing. Say what happened with --type, when with --at or --before-xid, or which way with --method.',
    context: { reasons: [...reasons] },
  });
}
