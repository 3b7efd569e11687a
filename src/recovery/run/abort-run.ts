import { rm } from 'node:fs/promises';
import { isLifeboatError, LifeboatError } from '../../core/index.ts';
import type { Step } from '../plan/plan.ts';
import type { ProbeResult, StepOutcome } from '../steps/step-kind.ts';
import { type ApprovalNotes, heedNotes } from './heed-notes.ts';
import { stepError } from './journal.ts';
import { keepWritten } from './keep-written.ts';
import { happened, type RunContext, stepContext, stepState } from './run-context.ts';

/**
 * Back to before: what was done, or begun, is undone, the last one first. An undo that fails ends it there, because those before it may
 * rest on it; it can be tried again, or left out with a reason. What was written since to recovered data is stored first. Errors: `run.failed`, `cancelled`, `run.lease-lost`.
 */
export async function abortRun(run: RunContext, notes: ApprovalNotes): Promise<void> {
  const kept: string[] = [];
  for (const step of run.journal.state.plan.steps.toReversed()) {
    await heedNotes(run, notes, { elsewhere: false });
    if (run.stop.aborted) throw run.stop.reason;
    const own = await keepWritten(run, step);
    await undoStep(run, step, own);
    kept.push(...own);
  }
  const stays = [...whatStays(run), ...kept];
  // Nobody comes back to a run that has ended.
  await rm(run.folder, { recursive: true, force: true });
  await run.journal.write({ type: 'aborted', stays });
  await happened(run, { type: 'aborted', stays });
}

async function undoStep(run: RunContext, step: Step, kept: readonly string[]): Promise<void> {
  const { phase, attempts, outcome } = stepState(run, step);
  // A host that was lost may have begun it, or taken it back, and no repository heard of it.
  const isInDoubt = run.journal.state.doubtful.includes(step.id);
  const wasBegun = phase !== 'undone' && (attempts > 0 || isInDoubt);
  const kind = await run.kinds(step.kind);
  if (!wasBegun || !kind.undo) return;
  const isSure = phase === 'undoing' || (phase === 'done' && !isInDoubt);
  const found = isSure ? outcome : await lookFor(run, step);
  if (found === 'nothing') return;
  const known = outcome ?? found;
  await run.lease.assertHeld();
  await run.journal.write({ type: 'undo-intent', step: step.id });
  await happened(run, { type: 'undo-begun', step });
  let text: string;
  try {
    await run.lease.assertHeld();
    const undone = await kind.undo(step.input, known, stepContext(run));
    text = [undone, ...kept].join('; ');
  } catch (error) {
    return await notUndone(run, step, error);
  }
  await run.lease.assertHeld();
  await run.journal.write({ type: 'undone', step: step.id, text });
  await happened(run, { type: 'undone', step, text });
}

/** What a step that was begun has left; undefined: nobody knows, and the undo has to see for itself. */
async function lookFor(run: RunContext, step: Step): Promise<StepOutcome | 'nothing' | undefined> {
  const kind = await run.kinds(step.kind);
  const found = await kind.probe(step.input, stepContext(run)).catch((error): ProbeResult => {
    if (run.stop.aborted) throw run.stop.reason;
    return { found: 'unclear', what: stepError(error).message };
  });
  if (found.found === 'done') return found.outcome;
  return found.found === 'not-done' ? 'nothing' : undefined;
}

async function notUndone(run: RunContext, step: Step, error: unknown): Promise<never> {
  if (run.stop.aborted) throw run.stop.reason;
  const told = stepError(error);
  await run.journal.write({ type: 'undo-failed', step: step.id, error: told });
  await happened(run, { type: 'undo-failed', step, error: told });
  const { run: id } = run.journal.state;
  const own = isLifeboatError(error) && error.hint ? `${error.hint} ` : '';
  throw new LifeboatError(
    'run.failed',
    `step "${step.title}" could not be undone: ${told.message}`,
    {
      hint: `${own}What came after it is undone; it and what came before it stand as they are. Try again with \`lifeboat recover --abort ${id}\`, or leave this one as it is with \`lifeboat recover --abort ${id} --skip ${step.id} --reason TEXT\`.`,
      context: { run: id, step: step.id, target: step.target },
      cause: error,
    },
  );
}

/** What is not as before, in words. */
function whatStays(run: RunContext): readonly string[] {
  return run.journal.state.plan.steps.flatMap((step) => {
    const { phase, outcome, reason, begunAt } = stepState(run, step);
    if (begunAt === undefined || phase === 'undone') return [];
    if (phase === 'skipped') return [`${step.title} (left as it is: ${reason})`];
    if (!step.isDestructive) return [];
    return [`${step.title} (${outcome ? 'has no undo' : 'was begun, and was found not done'})`];
  });
}
