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
  const notDone = new Set<string>();
  for (const step of run.journal.state.plan.steps.toReversed()) {
    await heedNotes(run, notes, { elsewhere: false });
    if (run.stop.aborted) throw run.stop.reason;
    const own = await keepWritten(run, step, notes);
    // Known to whoever goes on from here: where rows are that were written since is not forgotten with this process.
    if (own.length > 0) await run.journal.write({ type: 'kept', step: step.id, kept: own });
    const found = await undoStep(run, step, own);
    if (found === 'not-done') notDone.add(step.id);
  }
  const stays = [...whatStays(run, notDone), ...run.journal.state.kept];
  // Nobody comes back to a run that has ended.
  await rm(run.folder, { recursive: true, force: true });
  await run.journal.write({ type: 'aborted', stays });
  await happened(run, { type: 'aborted', stays });
}

/** `not-done`: it is not, and how that came nobody saw: nothing was undone. */
async function undoStep(
  run: RunContext,
  step: Step,
  kept: readonly string[],
): Promise<'not-done' | undefined> {
  const { phase, attempts, outcome } = stepState(run, step);
  // A host that was lost may have begun it, or taken it back, and no repository heard of it.
  const isInDoubt = run.journal.state.doubtful.includes(step.id);
  const wasBegun = phase !== 'undone' && (attempts > 0 || isInDoubt);
  const kind = await run.kinds(step.kind);
  if (!wasBegun || !kind.undo) return undefined;
  const isSure = phase === 'undoing' || (phase === 'done' && !isInDoubt);
  const found = isSure ? outcome : await lookFor(run, step);
  if (found === 'not-done') return found;
  if (found === 'as-before') {
    if (attempts > 0)
      await undone(run, step, 'it had changed nothing, or was undone already', kept);
    return undefined;
  }
  const known = outcome ?? found;
  await run.lease.assertHeld();
  await run.journal.write({ type: 'undo-intent', step: step.id });
  await happened(run, { type: 'undo-begun', step });
  let said: string;
  try {
    await run.lease.assertHeld();
    said = await kind.undo(step.input, known, stepContext(run));
  } catch (error) {
    return await notUndone(run, step, error);
  }
  await undone(run, step, said, kept);
  return undefined;
}

async function undone(
  run: RunContext,
  step: Step,
  said: string,
  kept: readonly string[],
): Promise<void> {
  const text = [said, ...kept].join('; ');
  await run.lease.assertHeld();
  await run.journal.write({ type: 'undone', step: step.id, text });
  await happened(run, { type: 'undone', step, text });
}

/**
 * What a step that was begun has left; undefined: nobody knows, and the undo has to see for itself. `as-before`: nothing of it is there. `not-done`:
 * a part of it may be, or of its undo by a host that is gone; an undo now could meet data that was put back since.
 */
async function lookFor(
  run: RunContext,
  step: Step,
): Promise<StepOutcome | 'not-done' | 'as-before' | undefined> {
  const kind = await run.kinds(step.kind);
  const found = await kind.probe(step.input, stepContext(run)).catch((error): ProbeResult => {
    if (run.stop.aborted) throw run.stop.reason;
    return { found: 'unclear', what: stepError(error).message };
  });
  if (found.found === 'done') return found.outcome;
  if (found.found !== 'not-done') return undefined;
  return found.isAsBefore ? 'as-before' : 'not-done';
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

/** What is not as before, in words. `notDone`: steps that were looked at, and found not done. */
function whatStays(run: RunContext, notDone: ReadonlySet<string>): readonly string[] {
  return run.journal.state.plan.steps.flatMap((step) => {
    const { phase, outcome, reason, begunAt } = stepState(run, step);
    if (begunAt === undefined || phase === 'undone') return [];
    if (phase === 'skipped') return [`${step.title} (left as it is: ${reason})`];
    if (!step.isDestructive) return [];
    if (notDone.has(step.id)) {
      const was = outcome ? 'done, and is not so any more' : 'begun, and was found not done';
      return [`${step.title} (was ${was}; a part of it may be there)`];
    }
    // As the plan said it.
    const how = step.undo === undefined ? 'has no undo' : `not undone by itself: ${step.undo}`;
    const seen = outcome ? '' : '; it was begun, and its end was not seen';
    return [`${step.title} (${how}${seen})`];
  });
}
