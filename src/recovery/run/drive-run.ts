import { rm } from 'node:fs/promises';
import { isLifeboatError, LifeboatError } from '../../core/index.ts';
import { sweepScratch } from '../../sources/index.ts';
import { untilCommandsEnd } from '../steps/begun-commands.ts';
import { restoredIn } from '../steps/restored-place.ts';
import { abortRun } from './abort-run.ts';
import { driveStep } from './drive-step.ts';
import {
  AbortAsked,
  type ApprovalNotes,
  heedNotes,
  KeptForNow,
  paused,
  pauseRun,
  skipStep,
} from './heed-notes.ts';
import { lookAgain } from './look-again.ts';
import { happened, type RunContext } from './run-context.ts';
import type { RunState } from './run-state.ts';
import { requireWayBack } from './way-back.ts';

/**
 * Takes a run from where its journal says it is to its end. Resolves when it is done, given up, or has nothing left to do but to let go of
 * what was replaced, later. Errors: those of its steps and
 * questions; then the run stands at a named place, and this may be called again.
 */
export async function driveRun(
  run: RunContext,
  wish: {
    readonly abort?: { readonly reason: string };
    readonly skip?: { readonly step: string; readonly reason: string };
  },
): Promise<RunState> {
  const notes: ApprovalNotes = new Map();
  try {
    await endWhatWasLeft(run);
    if (wish.abort) requireWayBack(run.journal.state, await run.allRuns());
    if (wish.abort) await beginAbort(run, { person: run.me.name, reason: wish.abort.reason });
    if (wish.skip) await leaveOut(run, wish.skip);
    await heedNotes(run, notes, { elsewhere: true, isFirst: true });
    if (run.journal.state.phase !== 'aborting') {
      await allowHost(run);
      await driveSteps(run, notes);
    }
  } catch (error) {
    if (error instanceof KeptForNow) {
      await rm(restoredIn(run.folder), { recursive: true, force: true });
      return run.journal.state;
    }
    if (!(error instanceof AbortAsked)) throw await stood(run, error);
    await beginAbort(run, error);
  }
  if (run.journal.state.phase === 'aborting') {
    await abortRun(run, notes).catch(async (error) => {
      throw await stood(run, error);
    });
  }
  return run.journal.state;
}

/**
 * What a process that was killed has left, before anything is looked at, done, or undone: its commands end, its private servers are ended, and their
 * folders removed. Giving up removes restored data that such a server may work with, and starts none that would see to it.
 */
async function endWhatWasLeft({ folder, stop, progress, surroundings }: RunContext): Promise<void> {
  await untilCommandsEnd(folder, { signal: stop, progress });
  try {
    await sweepScratch(surroundings.configuration.scratchFolder);
  } catch (error) {
    const { message } = error as Error;
    progress({ type: 'warning', message: `what a former process left is still there: ${message}` });
  }
}

async function driveSteps(run: RunContext, notes: ApprovalNotes): Promise<void> {
  await lookAgain(run);
  for (const step of run.journal.state.plan.steps) {
    const { phase } = run.journal.state.steps[step.id] ?? {};
    if (phase === 'done' || phase === 'skipped') continue;
    if (run.stop.aborted) throw run.stop.reason;
    await heedNotes(run, notes, { elsewhere: true });
    await driveStep(run, step, notes);
  }
  // Nobody comes back to a run that has ended.
  await rm(run.folder, { recursive: true, force: true });
  await run.journal.write({ type: 'done' });
  await happened(run, { type: 'done' });
}

async function beginAbort(
  run: RunContext,
  by: { readonly person: string; readonly reason: string; readonly note?: string },
): Promise<void> {
  const { person, reason, note } = by;
  if (run.journal.state.phase !== 'aborting' || note !== undefined) {
    await run.journal.write({
      type: 'aborting',
      person,
      reason,
      ...(note === undefined ? {} : { note }),
    });
  }
  await happened(run, { type: 'aborting', reason: `${person}: ${reason}` });
}

async function leaveOut(
  run: RunContext,
  { step: id, reason }: { readonly step: string; readonly reason: string },
): Promise<void> {
  const step = run.journal.state.plan.steps.find((each) => each.id === id);
  if (!step) throw new TypeError(`the plan has no step ${id}`);
  await skipStep(run, step, { person: run.me.name, reason });
}

/** On a host that did not make the plan its commands are shown first, and run only when somebody there allows it. */
async function allowHost(run: RunContext): Promise<void> {
  const { state } = run.journal;
  const { host } = run.surroundings;
  if (state.hosts.includes(host)) return;
  const open = ({ id }: { readonly id: string }) =>
    !['done', 'skipped'].includes(state.steps[id]?.phase ?? '');
  const steps = state.plan.steps.filter(open);
  const answer = await run.desk({ kind: 'host', host, steps }, { signal: run.stop });
  const isAllowed = answer?.answer === 'allow' && answer.typed?.trim() === host;
  if (!isAllowed) {
    await pauseRun(
      run,
      `its commands were not allowed on ${host}, which is not where it was opened; allowed it is by typing ${host}`,
    );
  }
  await run.journal.write({ type: 'host-allowed', person: run.me.name });
}

/** The journal says why it stands, where it still can; that it cannot does not hide the reason. */
async function stood(run: RunContext, error: unknown): Promise<unknown> {
  const { phase } = run.journal.state;
  if (run.lease.signal.aborted || phase === 'paused' || phase === 'done') return error;
  const reason = run.signal.aborted ? 'it was interrupted' : (error as Error).message;
  try {
    await run.journal.write({ type: 'paused', reason });
    await happened(run, { type: 'paused', reason });
  } catch (second) {
    if (!isLifeboatError(second)) throw second;
  }
  return wasInterrupted(run, error);
}

/** Between two steps nobody else has said where the run stands. */
function wasInterrupted(run: RunContext, error: unknown): unknown {
  if (!isLifeboatError(error, 'cancelled') || error.hint) return error;
  const { message, context } = error;
  const { hint } = paused(run, message);
  return new LifeboatError('cancelled', message, {
    context,
    cause: error,
    ...(hint ? { hint } : {}),
  });
}
