import { LifeboatError } from '../../core/index.ts';
import type { Plan, Step } from '../plan/plan.ts';
import { giveUpWritten } from './give-up-written.ts';
import type { ApprovalNotes } from './heed-notes.ts';
import { stepError } from './journal.ts';
import { type RunContext, stepContext, stepState } from './run-context.ts';

/**
 * What was written to a recovered source since it is in use goes with it when the former data is put back. So it is stored before `next`
 * is undone, where that stops its server or takes the data away; writers are stopped by then, where the plan did. Returns what was kept,
 * in words. Where it cannot be kept, a person has to give it up. Errors: those of `giveUpWritten`.
 */
export async function keepWritten(
  run: RunContext,
  next: Step,
  notes: ApprovalNotes,
): Promise<readonly string[]> {
  const { steps } = run.journal.state.plan;
  const kept: string[] = [];
  for (const swap of steps.filter(({ kind }) => kind === 'swap')) {
    const source = swap.input.source as string;
    const start = steps.find(({ id }) => id === `start-${source}`);
    if (next !== (start ?? swap) || stepState(run, swap).phase !== 'done') continue;
    const phase = start && stepState(run, start).phase;
    // Never begun, so nobody wrote; or kept before, when the undo began.
    if (phase === 'waiting' || phase === 'undone' || phase === 'undoing') continue;
    const isInUse = phase === undefined || phase === 'done';
    kept.push(...(await keepOne(run, { swap, source, isInUse }, notes)));
  }
  return kept;
}

async function keepOne(
  run: RunContext,
  { swap, source, isInUse }: { swap: Step; source: string; isInUse: boolean },
  notes: ApprovalNotes,
): Promise<readonly string[]> {
  try {
    if (isElsewhere(run.journal.state.plan)) throw elsewhere(source);
    const kind = await run.kinds('safety-snapshot');
    const { result } = await kind.run({ source, raw: false }, stepContext(run));
    const id = String(result.snapshot).slice(0, 8);
    return [`what was written to ${source} since is in snapshot ${id}, no longer in ${source}`];
  } catch (error) {
    if (run.stop.aborted) throw run.stop.reason;
    const why = stepError(error).message;
    // It never started: nobody has written to it for all we know.
    if (!isInUse) return [`${source} as it was recovered could not be kept: ${why}`];
    await giveUpWritten(run, swap, notes, { why, cause: error });
    return [`what was written to ${source} since was given up`];
  }
}

/** A backup would be one of the former place. */
function isElsewhere({ method, steps }: Plan): boolean {
  const elsewhere = ['new-server', 'clean-rebuild'];
  return elsewhere.includes(method) || steps.some(({ kind }) => kind === 'point-services');
}

function elsewhere(source: string): LifeboatError {
  return new LifeboatError('run.failed', `lifeboat.yaml has the former place of ${source}`);
}
