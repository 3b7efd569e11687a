import { LifeboatError } from '../../core/index.ts';
import type { Approval, Step } from '../plan/plan.ts';
import { type ApprovalNotes, heedNotes, paused, pauseRun } from './heed-notes.ts';
import { mayAllow, type Person, personOf, personsNeeded, whoMay } from './people.ts';
import { happened, type RunContext, stepState, untilNextLook } from './run-context.ts';

/** As long as a timer can be set. */
const longestTimerMs = 2 ** 31 - 1;
/** Repositories are asked that much less often than the state. */
const looksPerRepositoryLook = 5;

/** What is to be allowed: that a step begins, or a loss that comes with its undo. */
interface Wanted {
  readonly step: Step;
  readonly approval: Approval;
  readonly isLoss?: true;
}

/** The same for a step that is about to begin; at once where it needs no approval. */
export async function allowStep(run: RunContext, step: Step, notes: ApprovalNotes): Promise<void> {
  const { approval } = step;
  if (approval) await allow(run, { step, approval }, notes);
}

/**
 * Resolves when as many different people as it takes have allowed it: whoever sits here is asked, others say so by notes. What
 * was allowed before stays allowed, so nobody is asked twice. Errors: `run.paused` when the time is over, when nobody can be asked, or
 * when that was answered; `approval.refused` when somebody declined.
 */
export async function allow(run: RunContext, wanted: Wanted, notes: ApprovalNotes): Promise<void> {
  const { step, approval } = wanted;
  const { recovery } = run.surroundings.configuration;
  const needed = personsNeeded(recovery, approval);
  const missing = () => needed - new Set(given(run, wanted).map((each) => each.person)).size;
  const begun = performance.now();
  const leftMs = () => approval.timeoutMs - (performance.now() - begun);
  let wasAsked = false;
  for (let look = 0; missing() > 0; look++) {
    await heedNotes(run, notes, { elsewhere: look % looksPerRepositoryLook === 0 });
    if (stepState(run, step).phase === 'skipped') return;
    await countNotes(run, wanted, notes);
    if (missing() <= 0) break;
    if (!wasAsked && canAllow(run, wanted, run.me)) {
      wasAsked = true;
      await askHere(run, wanted, leftMs());
      continue;
    }
    const who = whoMay(recovery, approval);
    if (look === 0 || wasAsked) {
      await happened(run, {
        type: 'approval-wanted',
        step,
        approval,
        missing: missing(),
        ...(who ? { who } : {}),
      });
    }
    wasAsked = true;
    if (leftMs() <= 0) await outOfTime(run, step, approval);
    await untilNextLook(run);
  }
}

/** Who has allowed it so far. */
function given(run: RunContext, { step, isLoss }: Wanted) {
  const { approvals, lossApprovals = [] } = stepState(run, step);
  return isLoss ? lossApprovals : approvals;
}

function canAllow(run: RunContext, wanted: Wanted, person: Person): boolean {
  const isDone = given(run, wanted).some((each) => each.person === person.name);
  return !isDone && mayAllow(person, wanted.approval);
}

async function countNotes(run: RunContext, wanted: Wanted, notes: ApprovalNotes): Promise<void> {
  const { step, approval } = wanted;
  const { recovery } = run.surroundings.configuration;
  const said = notes.get(step.id) ?? [];
  notes.delete(step.id);
  for (const { id: note, actor, host, body } of said) {
    const person = personOf(recovery, actor, host);
    const ignore = (why: string) => happened(run, { type: 'approval-ignored', step, why });
    if (!mayAllow(person, approval)) {
      await ignore(`${person.name} has not the authority "${approval.authority}"`);
    } else if (body.type === 'decline') {
      await decline(run, step, { person: person.name, comment: body.comment, note });
    } else if (!canAllow(run, wanted, person)) {
      await ignore(`${person.name} has allowed it already, and it takes another person`);
    } else if (body.type === 'approve' && !isTyped(approval, body.typed)) {
      await ignore(`${JSON.stringify(body.typed ?? '')} was typed, not ${approval.typed}`);
    } else {
      await approve(run, wanted, { person: person.name, note });
    }
  }
}

function isTyped({ typed }: Approval, given: string | undefined): boolean {
  return typed === undefined || given?.trim() === typed;
}

async function approve(
  run: RunContext,
  { step, isLoss }: Wanted,
  by: { readonly person: string; readonly note?: string },
): Promise<void> {
  const loss = isLoss ? { isLoss } : {};
  await run.journal.write({ type: 'approved', step: step.id, ...by, ...loss });
  await happened(run, { type: 'approved', step, person: by.person, ...loss });
}

async function decline(
  run: RunContext,
  step: Step,
  by: { readonly person: string; readonly comment: string; readonly note?: string },
): Promise<never> {
  await run.journal.write({ type: 'declined', step: step.id, ...by });
  await happened(run, { type: 'declined', step, person: by.person, comment: by.comment });
  const fact = `${by.person} declined "${step.title}": ${by.comment}`;
  const { hint, context } = paused(run, fact);
  await run.journal.write({ type: 'paused', reason: fact });
  throw new LifeboatError('approval.refused', fact, { ...(hint ? { hint } : {}), context });
}

async function askHere(run: RunContext, wanted: Wanted, leftMs: number): Promise<void> {
  const { step, approval } = wanted;
  const limit = AbortSignal.timeout(Math.ceil(Math.max(1, Math.min(leftMs, longestTimerMs))));
  const signal = AbortSignal.any([run.stop, limit]);
  const answer = await Promise.race([
    run.desk({ kind: 'approval', step, approval }, { signal }),
    aborted(signal),
  ]);
  if (answer === 'aborted') {
    if (run.stop.aborted) throw run.stop.reason;
    return await outOfTime(run, step, approval);
  }
  // The question may have stood for long.
  await run.lease.assertHeld();
  if (answer === undefined) return await nobodyHere(run, wanted);
  if (answer.answer === 'pause') await pauseRun(run, `asked for at "${step.title}"`);
  if (answer.answer === 'decline') {
    await decline(run, step, { person: run.me.name, comment: answer.comment });
  }
  if (answer.answer !== 'allow') return;
  if (isTyped(approval, answer.typed)) return await approve(run, wanted, { person: run.me.name });
  const typed = JSON.stringify(answer.typed ?? '');
  await pauseRun(run, `"${step.title}" was not allowed: ${typed} was typed, not ${approval.typed}`);
}

/** Whoever runs it could allow it, and does not answer: only others can be waited for. */
async function nobodyHere(run: RunContext, wanted: Wanted): Promise<void> {
  const { step, approval } = wanted;
  const who = whoMay(run.surroundings.configuration.recovery, approval);
  const hasOthers = who?.some((name) => name !== run.me.name) ?? false;
  if (hasOthers || given(run, wanted).length > 0) return;
  await waitsForApproval(run, step, approval, `"${step.title}" has to be allowed`);
}

async function outOfTime(run: RunContext, step: Step, approval: Approval): Promise<never> {
  return await waitsForApproval(run, step, approval, `nobody allowed "${step.title}" in time`);
}

async function waitsForApproval(
  run: RunContext,
  step: Step,
  { typed }: Approval,
  reason: string,
): Promise<never> {
  await run.journal.write({ type: 'paused', reason });
  await happened(run, { type: 'paused', reason });
  const { run: id } = run.journal.state;
  const yes = typed === undefined ? '' : ` --yes ${typed}`;
  throw paused(run, reason, `Allow it with \`lifeboat recover --approve ${id} ${step.id}${yes}\`.`);
}

function aborted(signal: AbortSignal): Promise<'aborted'> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve('aborted');
    else signal.addEventListener('abort', () => resolve('aborted'), { once: true });
  });
}
