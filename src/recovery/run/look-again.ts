import type { Step } from '../plan/plan.ts';
import type { ProbeResult, StepKind } from '../steps/step-kind.ts';
import { finish } from './finish-step.ts';
import { pauseRun } from './heed-notes.ts';
import { stepError } from './journal.ts';
import { happened, type RunContext, stepContext, stepState } from './run-context.ts';

/**
 * What a host did that is lost with its state, looked at again before anything goes on from there. What a later step needs and lay on that host alone
 * is made again. What was changed and is not so any more was taken back there, and no repository heard of it: a person decides; nobody there:
 * `run.paused`.
 */
export async function lookAgain(run: RunContext): Promise<void> {
  const { state } = run.journal;
  const known = state.plan.steps.filter(
    (step) => state.doubtful.includes(step.id) && stepState(run, step).phase === 'done',
  );
  for (const step of known.filter(({ isDestructive }) => isDestructive)) {
    await requireStillDone(run, step);
  }
  const again = new Set<string>();
  for (const step of known.filter(({ isDestructive }) => !isDestructive).toReversed()) {
    const users = state.plan.steps.filter(({ input }) => input.of === step.id);
    const isNeeded = users.some(
      (each) => again.has(each.id) || !['done', 'skipped'].includes(stepState(run, each).phase),
    );
    if (!isNeeded) continue;
    const { found } = await lookAt(run, step, await run.kinds(step.kind));
    if (found !== 'done') again.add(step.id);
  }
  // What was seen of the former one says nothing of the one that is made now.
  for (const { id, input } of known) {
    if (again.has(String(input.of))) again.add(id);
  }
  for (const step of known) {
    if (again.has(step.id)) await makeAgain(run, step, 'what it left is not on this host');
  }
}

async function requireStillDone(run: RunContext, step: Step): Promise<void> {
  const kind = await run.kinds(step.kind);
  if (!kind.undo) return;
  const { found } = await lookAt(run, step, kind);
  if (found !== 'not-done') return;
  const what = `"${step.title}" was done and is not so any more: the host that is gone may have begun to give the run up`;
  const answer = await run.desk({ kind: 'unclear', step, what }, { signal: run.stop });
  await run.lease.assertHeld();
  switch (answer?.answer) {
    case 'was-done': {
      const { outcome, durationMs = 0 } = stepState(run, step);
      if (outcome) await finish(run, step, { outcome, durationMs, known: 'said' });
      return;
    }
    case 'run-again':
      return await makeAgain(run, step, `${run.me.name} said that it is to be done again`);
    default:
      await pauseRun(
        run,
        `${what}. Give it up with \`lifeboat recover --abort ${run.lease.run}\`, or say at a terminal what became of it`,
      );
  }
}

async function makeAgain(run: RunContext, step: Step, reason: string): Promise<void> {
  await run.journal.write({ type: 'lost', step: step.id, reason });
  await happened(run, { type: 'step-lost', step, reason });
}

/** A look that fails says nothing. */
async function lookAt(run: RunContext, step: Step, kind: StepKind): Promise<ProbeResult> {
  await run.lease.assertHeld();
  try {
    return await kind.probe(step.input, stepContext(run));
  } catch (error) {
    if (run.stop.aborted) throw run.stop.reason;
    return { found: 'unclear', what: stepError(error).message };
  }
}
