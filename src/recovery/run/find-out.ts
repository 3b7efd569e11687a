import type { Step } from '../plan/plan.ts';
import type { ProbeResult, StepKind } from '../steps/step-kind.ts';
import { finish } from './finish-step.ts';
import { pauseRun } from './heed-notes.ts';
import { stepError } from './journal.ts';
import { type RunContext, stepContext, stepState } from './run-context.ts';

/**
 * What became of a step that was begun and whose end nobody saw, or that ended with an error. Resolves when it is known: with its
 * outcome in the journal, or so that it may be run. Where looking does not tell, a person does; nobody there: `run.paused`.
 */
export async function findOut(run: RunContext, step: Step, kind: StepKind): Promise<void> {
  const found = await probe(run, step, kind);
  if (found.found === 'done') {
    await run.lease.assertHeld();
    // How long it took nobody knows.
    const durationMs = stepState(run, step).durationMs ?? 0;
    return await finish(run, step, { outcome: found.outcome, durationMs, known: 'found' });
  }
  if (found.found !== 'unclear' || !step.isDestructive) return;
  const answer = await run.desk({ kind: 'unclear', step, what: found.what }, { signal: run.stop });
  await run.lease.assertHeld();
  switch (answer?.answer) {
    case 'run-again':
      return;
    case 'was-done': {
      const person = run.me.name;
      const text = `${person} said that it was done; looking did not tell (${found.what})`;
      const outcome = { text, result: {}, evidence: { person, unclear: found.what } };
      return await finish(run, step, { outcome, durationMs: 0, known: 'said' });
    }
    default:
      await pauseRun(
        run,
        `it is unclear what became of "${step.title}": ${found.what}. Somebody has to look at ${step.target} and say at a terminal whether it was done`,
      );
  }
}

/** A look that fails says nothing. */
async function probe(run: RunContext, step: Step, kind: StepKind): Promise<ProbeResult> {
  try {
    await run.lease.assertHeld();
    return await kind.probe(step.input, stepContext(run));
  } catch (error) {
    if (run.stop.aborted) throw run.stop.reason;
    return { found: 'unclear', what: stepError(error).message };
  }
}
