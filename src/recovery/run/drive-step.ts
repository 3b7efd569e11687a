import { isLifeboatError, LifeboatError, sleep } from '../../core/index.ts';
import type { Step } from '../plan/plan.ts';
import type { StepKind, StepOutcome } from '../steps/step-kind.ts';
import { allowStep } from './allow-step.ts';
import { firstBuiltOn, leftOutBelow, whyNot } from './built-on.ts';
import { findOut } from './find-out.ts';
import { finish } from './finish-step.ts';
import { heedMeanwhile } from './heed-meanwhile.ts';
import { type ApprovalNotes, KeptForNow, paused } from './heed-notes.ts';
import { isRecovered } from './is-recovered.ts';
import { stepError } from './journal.ts';
import { happened, type RunContext, stepContext, stepState } from './run-context.ts';
import type { RunState } from './run-state.ts';
import { stillFrozen } from './still-frozen.ts';

/** A step that may begin that soon is waited for; for a later one the run pauses. */
const longestWaitMs = 15 * 60_000;

/**
 * Does one step, once. Errors: `run.failed` when it failed, with what holds now; `run.paused`, `approval.refused`, `cancelled`,
 * `run.lease-lost`: nobody may go on here.
 */
export async function driveStep(run: RunContext, step: Step, notes: ApprovalNotes): Promise<void> {
  const kind = await run.kinds(step.kind);
  // 1. What became of it, when a process began it, or may have, and nobody saw its end.
  const { phase, attempts } = stepState(run, step);
  const isInDoubt = attempts === 0 && run.journal.state.doubtful.includes(step.id);
  if (phase === 'begun' || phase === 'failed' || isInDoubt) await findOut(run, step, kind);
  if (isOver(run, step)) return;
  requireNothingLeftOut(run, step);
  // 2. May it begin? Nobody allows today what is done tomorrow.
  await untilDue(run, step, kind);
  await allowStep(run, step, notes);
  if (isOver(run, step)) return;
  await requireNothingAgainst(run, step, kind);
  // 3. That it begins is durable before it does.
  const attempt = stepState(run, step).attempts + 1;
  await run.lease.assertHeld();
  await run.journal.write({ type: 'intent', step: step.id, attempt });
  await happened(run, { type: 'step-begun', step, attempt });
  await perform(run, step, kind, notes);
}

function isOver(run: RunContext, step: Step): boolean {
  return ['done', 'skipped'].includes(stepState(run, step).phase);
}

async function perform(
  run: RunContext,
  step: Step,
  kind: StepKind,
  notes: ApprovalNotes,
): Promise<void> {
  const begun = performance.now();
  const took = () => Math.round(performance.now() - begun);
  // Watching changes nothing and is long: nobody who wants to go back waits for its end.
  const heeding = step.kind === 'watch' ? heedMeanwhile(run, notes) : undefined;
  let outcome: StepOutcome;
  try {
    await run.lease.assertHeld();
    outcome = plainOutcome(await kind.run(step.input, stepContext(run, heeding?.signal)), step);
  } catch (error) {
    const heard = await heeding?.end();
    if (heard === undefined || run.stop.aborted) return await failed(run, step, error, took());
    const said = { code: 'cancelled', message: heard.text };
    await run.journal.write({ type: 'failed', step: step.id, error: said, durationMs: took() });
    await happened(run, { type: 'step-failed', step, error: said });
    throw heard.asked;
  }
  const heard = await heeding?.end();
  await run.lease.assertHeld();
  await finish(run, step, { outcome, durationMs: took(), known: 'seen' });
  if (heard) throw heard.asked;
}

/** An outcome becomes part of the journal: what is none fails the step, rather than a later one. */
function plainOutcome(outcome: StepOutcome, step: Step): StepOutcome {
  const isOne =
    typeof outcome?.text === 'string' &&
    [outcome.result, outcome.evidence].every((each) => typeof each === 'object' && each !== null);
  if (!isOne) throw new LifeboatError('bug', `step ${step.id} gave no outcome`);
  return JSON.parse(JSON.stringify(outcome)) as StepOutcome;
}

async function failed(
  run: RunContext,
  step: Step,
  error: unknown,
  durationMs: number,
): Promise<never> {
  if (run.lease.signal.aborted) throw run.lease.signal.reason;
  const told = stepError(error);
  const wasAsked = run.signal.aborted && (told.code === 'cancelled' || told.code === 'bug');
  const said = wasAsked ? { code: 'cancelled', message: 'it was interrupted' } : told;
  await run.journal.write({ type: 'failed', step: step.id, error: said, durationMs });
  await happened(run, { type: 'step-failed', step, error: said });
  const code = wasAsked ? 'cancelled' : 'run.failed';
  throw stopped(run, step, {
    code,
    error,
    fact: `step "${step.title}" ${wasAsked ? 'was interrupted' : `failed: ${told.message}`}`,
  });
}

function stopped(
  run: RunContext,
  step: Step,
  end: {
    readonly code: 'cancelled' | 'run.failed';
    readonly error: unknown;
    readonly fact: string;
  },
): LifeboatError {
  const { run: id, plan } = run.journal.state;
  const own = isLifeboatError(end.error) && end.error.hint ? `${end.error.hint} ` : '';
  const next = step.isDestructive
    ? 'It is not tried again by itself: going on first looks at what it left.'
    : 'It can be repeated without harm.';
  const later = firstBuiltOn(run.journal.state, step);
  const ways =
    later === undefined
      ? `Go on with \`lifeboat recover --resume ${plan.incident}\`, leave it out with \`--skip ${step.id} --reason TEXT\`, or back with \`lifeboat recover --abort ${id} --reason TEXT\`.`
      : `Put right what it failed at and go on with \`lifeboat recover --resume ${plan.incident}\`, or back to before with \`lifeboat recover --abort ${id} --reason TEXT\`. It cannot be left out: ${whyNot(later)}.`;
  return new LifeboatError(end.code, end.fact, {
    hint: `${own}The steps before it are done and hold${stillFrozen(run.journal.state)}. ${next} ${ways}${dataInstead(run.journal.state, step)}`,
    context: { run: id, step: step.id, ...causeCode(end.error) },
    cause: end.error,
  });
}

/** A server that does not start may have lost its data in a way that nobody could see. */
function dataInstead({ run }: RunState, { kind, input }: Step): string {
  if (kind !== 'restart' || typeof input.source !== 'string') return '';
  return ` If it does not start because its data is gone or spoilt, put back what was backed up instead: \`lifeboat recover --abort ${run} --reason TEXT\`, then \`lifeboat recover ${input.source} --type accidental-deletion\`.`;
}

function causeCode(error: unknown): { cause?: string } {
  return isLifeboatError(error) ? { cause: error.code } : {};
}

/** Nothing is started on data that was not put in place; a run of an older version may have left that out. */
function requireNothingLeftOut(run: RunContext, step: Step): void {
  const { state } = run.journal;
  const missing = leftOutBelow(state, step);
  if (missing === undefined) return;
  const why = state.steps[missing.id]?.reason;
  throw new LifeboatError(
    'run.failed',
    `step "${step.title}" was not begun: it builds on "${missing.title}", which was left out${why === undefined ? '' : ` (${why})`}`,
    {
      hint: `Nothing was started. Go back to before with \`lifeboat recover --abort ${state.run} --reason TEXT\`, and recover again.`,
      context: { run: state.run, step: step.id, leftOut: missing.id },
    },
  );
}

/** What can be seen to stand against it stops the run before it begins. */
async function requireNothingAgainst(run: RunContext, step: Step, kind: StepKind): Promise<void> {
  let against: readonly string[];
  try {
    against = (await kind.check?.(step.input, stepContext(run))) ?? [];
  } catch (error) {
    if (run.stop.aborted) throw run.stop.reason;
    const { message } = stepError(error);
    throw stopped(run, step, {
      code: 'run.failed',
      error,
      fact: `step "${step.title}" was not begun: ${message}`,
    });
  }
  if (against.length === 0) return;
  throw stopped(run, step, {
    code: 'run.failed',
    error: undefined,
    fact: `step "${step.title}" was not begun: ${against.join('; ')}`,
  });
}

async function untilDue(run: RunContext, step: Step, kind: StepKind): Promise<void> {
  const due = await kind.notBefore?.(step.input, stepContext(run));
  if (!due || run.isEarly) return;
  const waitMs = () => due.getTime() - run.now().getTime();
  if (waitMs() > longestWaitMs) {
    const reason = `"${step.title}" is due at ${due.toISOString()}`;
    await run.journal.write({ type: 'paused', reason });
    if (isRecovered(run.journal.state)) {
      await happened(run, { type: 'recovered', keptUntil: due.toISOString() });
      throw new KeptForNow(reason);
    }
    await happened(run, { type: 'paused', reason });
    throw paused(run, reason, 'Nothing is wrong: the step is to wait until then.');
  }
  if (waitMs() > 0) {
    const message = `"${step.title}" is due at ${due.toISOString()}: waiting`;
    stepContext(run).progress({ type: 'note', message });
  }
  while (waitMs() > 0) await sleep(Math.min(waitMs(), run.pollMs), run.stop);
}
