import type { StepDraft } from './build/draft.ts';
import type { SourceChoice } from './choose-method.ts';
import type { PlanFacts } from './facts.ts';
import type { Prediction } from './plan.ts';
import { predictLoss } from './predict-loss.ts';
import { isByPeople, isCore, stepsUntilBack } from './until-back.ts';

/** Time and loss of a plan: the sum of its steps until services write again; watching, backup and proof come after. */
export function predict(
  steps: readonly StepDraft[],
  choices: readonly SourceChoice[],
  facts: PlanFacts,
): Prediction {
  const isOnlyBackup = choices.every(({ method }) => method === 'new-backup');
  const timed = stepsUntilBack(steps, isOnlyBackup).filter((step) => !isByPeople(step));
  const isMeasured = timed
    .filter((step) => isCore(step, isOnlyBackup))
    .every(({ expected }) => expected !== undefined);
  const measured = timed.flatMap(({ expected }) => expected ?? []);
  const unmeasured = timed.filter(({ expected }) => expected === undefined).map(({ id }) => id);
  const losses = choices.map((choice) => predictLoss(choice, facts));
  const real = losses.filter(({ lossMs }) => lossMs !== 0);
  const isKnown = losses.every(({ lossMs }) => lossMs !== undefined);
  const missed = losses.flatMap(({ missedRpoMs }) => missedRpoMs ?? []);
  return {
    ...(isMeasured && measured.length > 0
      ? { durationMs: measured.reduce((sum, { ms }) => sum + ms, 0) }
      : {}),
    loss: real.length === 0 ? 'none' : real.map(({ loss }) => loss).join('; '),
    ...(isKnown ? { lossMs: Math.max(0, ...losses.map(({ lossMs }) => lossMs ?? 0)) } : {}),
    ...(missed.length === 0 ? {} : { missedRpoMs: Math.min(...missed) }),
    basis: [
      ...new Set([...measured.map(({ basis }) => basis), ...losses.flatMap(({ basis }) => basis)]),
    ],
    ...(unmeasured.length > 0 ? { unmeasured } : {}),
  };
}
