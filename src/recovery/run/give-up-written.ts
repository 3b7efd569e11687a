import { isLifeboatError, LifeboatError } from '../../core/index.ts';
import type { Approval, Step } from '../plan/plan.ts';
import { allow } from './allow-step.ts';
import type { ApprovalNotes } from './heed-notes.ts';
import { personsNeeded, whoMay } from './people.ts';
import { type RunContext, stepState } from './run-context.ts';
import type { RunState } from './run-state.ts';

/** What a step waits for now: to begin, or, given up, for the loss of what was written since. Undefined: it needs no approval. */
export function approvalWanted(state: RunState, step: Step): Approval | undefined {
  const { unkept } = state.steps[step.id] ?? {};
  const isGivingUp = state.phase === 'aborting' && unkept !== undefined;
  return isGivingUp ? lossApproval(step, unkept) : step.approval;
}

/**
 * Resolves when as many as it takes, of those who may accept the loss of data, have given up what was written to a recovered source: asked, counted and
 * written down as for a step. What is typed is not what allows the swap. Errors: `run.failed`: it is not given up; `approval.refused`, `run.paused`,
 * `cancelled`.
 */
export async function giveUpWritten(
  run: RunContext,
  swap: Step,
  notes: ApprovalNotes,
  { why, cause }: { readonly why: string; readonly cause: unknown },
): Promise<void> {
  if (stepState(run, swap).unkept !== why) {
    await run.journal.write({ type: 'unkept', step: swap.id, why });
  }
  const approval = lossApproval(swap, why);
  const { recovery } = run.surroundings.configuration;
  const able = whoMay(recovery, approval);
  if (able && able.length < personsNeeded(recovery, approval)) {
    throw notKept(run, swap, {
      why,
      cause,
      way: 'Nobody may give it up: it takes `accept-data-loss` in `recovery.people` of lifeboat.yaml.',
    });
  }
  const { undo: _, ...rest } = swap;
  const title = `Give up what was written to ${sourceOf(swap)} since it was recovered`;
  try {
    await allow(run, { step: { ...rest, title }, approval, isLoss: true }, notes);
  } catch (error) {
    if (!isLifeboatError(error, 'run.paused')) throw error;
    const way = `Who may accept the loss of data gives it up with \`--yes ${approval.typed}\`, or from elsewhere with \`lifeboat recover --approve ${run.journal.state.run} ${swap.id} --yes ${approval.typed}\`.`;
    throw notKept(run, swap, { why, cause, way });
  }
}

function lossApproval(swap: Step, why: string) {
  const source = sourceOf(swap);
  return {
    authority: 'accept-data-loss',
    typed: `give-up-writes-to-${source}`,
    persons: 1,
    timeoutMs: swap.approval?.timeoutMs ?? 3_600_000,
    question: `Give up what was written to ${source} since it was recovered? It could not be kept: ${why}`,
  } as const satisfies Approval;
}

function notKept(
  run: RunContext,
  swap: Step,
  { why, cause, way }: { readonly why: string; readonly cause: unknown; readonly way: string },
): LifeboatError {
  const { run: id } = run.journal.state;
  const source = sourceOf(swap);
  const own = isLifeboatError(cause) && cause.hint ? `${cause.hint} ` : '';
  return new LifeboatError(
    'run.failed',
    `what was written to ${source} since it was recovered could not be kept: ${why}`,
    {
      hint: `${own}It would go with the recovered data, so nothing more was undone, and what is frozen stays frozen. Put that right and try again with \`lifeboat recover --abort ${id}\`. ${way}`,
      context: { run: id, source },
      cause,
    },
  );
}

function sourceOf({ input }: Step): string {
  return String(input.source);
}
