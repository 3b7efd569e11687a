import type { StepDraft } from './build/draft.ts';
import type { SourceChoice } from './choose-method.ts';
import type { PlanFacts } from './facts.ts';
import type { Prediction } from './plan.ts';
import { predictLoss } from './predict-loss.ts';

/** What a recovery is for: without a measure of these there is none of the whole. */
const core = ['restart', 'rescue-rows', 'extract', 'restore', 'restore-files', 'redeploy'];
/** Take as long as people take. */
const byPeople = ['manual', 'clearance'];

/** Time and loss of a plan: the sum of its steps until services write again; watching, backup and proof come after. */
export function predict(
  steps: readonly StepDraft[],
  choices: readonly SourceChoice[],
  facts: PlanFacts,
): Prediction {
  const isOnlyBackup = choices.every(({ method }) => method === 'new-backup');
  const end = steps.findIndex(({ kind }) => kind === 'watch');
  const until =
    end < 0 || isOnlyBackup ? steps.filter(({ kind }) => kind !== 'settle') : steps.slice(0, end);
  const timed = until.filter(({ kind }) => !byPeople.includes(kind));
  const isMeasured = timed
    .filter(({ kind }) => core.includes(kind) || (isOnlyBackup && kind === 'backup'))
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
