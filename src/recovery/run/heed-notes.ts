import { LifeboatError } from '../../core/index.ts';
import type { Step } from '../plan/plan.ts';
import { firstBuiltOn, whyNot } from './built-on.ts';
import { mayAllow, type Person, personOf } from './people.ts';
import { happened, type RunContext } from './run-context.ts';
import type { RunNote } from './run-note.ts';
import { stillFrozen } from './still-frozen.ts';
import { runOver, sourcesLetGoOf } from './way-back.ts';

/** Somebody has asked to give the run up; the driver does it at the next boundary of a step. */
export class AbortAsked {
  readonly person: string;
  readonly reason: string;
  readonly note: string;

  constructor(person: string, reason: string, note: string) {
    this.person = person;
    this.reason = reason;
    this.note = note;
  }
}

/** What is said of approvals goes to the gate of its step. */
export type ApprovalNotes = Map<string, RunNote[]>;

/**
 * Does what others asked for since the last look. Errors: `run.paused`, `AbortAsked` when that was asked by somebody who may.
 */
export async function heedNotes(
  run: RunContext,
  waiting: ApprovalNotes,
  options: { readonly elsewhere: boolean; readonly isFirst?: boolean },
): Promise<void> {
  const { recovery } = run.surroundings.configuration;
  for (const note of await run.journal.news(options)) {
    const { body, actor, host } = note;
    if (body.type === 'approve' || body.type === 'decline') {
      waiting.set(body.step, [...(waiting.get(body.step) ?? []), note]);
      continue;
    }
    const person = personOf(recovery, actor, host);
    if (!mayAllow(person, { authority: 'execute' })) {
      const message = `${person.name} may not ask for "${body.type}": the authority "execute" is missing`;
      run.progress({ type: 'warning', message });
      continue;
    }
    if (body.type === 'abort' && run.journal.state.phase === 'aborting') continue;
    const against = body.type === 'abort' ? await noWayBack(run) : undefined;
    if (against !== undefined) {
      const reason = `${person.name} asked to give the run up, and ${against}`;
      run.progress({ type: 'warning', message: reason });
      await run.journal.write({ type: 'refused', note: note.id, reason });
      continue;
    }
    if (body.type === 'abort') throw new AbortAsked(person.name, body.reason, note.id);
    if (body.type === 'skip') {
      const step = run.journal.state.plan.steps.find(({ id }) => id === body.step);
      if (step) await skipOrRefuse(run, step, { person, reason: body.reason, note: note.id });
      continue;
    }
    // What was asked of a process that has ended is answered by its end.
    if (options.isFirst) continue;
    await pauseRun(run, `${person.name} asked for it: ${body.reason}`, note.id);
  }
  if (run.lease.signal.aborted) throw run.lease.signal.reason;
}

async function skipOrRefuse(
  run: RunContext,
  step: Step,
  { person, reason, note }: { person: Person; reason: string; note: string },
): Promise<void> {
  const { state } = run.journal;
  const later = state.phase === 'aborting' ? undefined : firstBuiltOn(state, step);
  if (later === undefined) {
    return await skipStep(run, step, { person: person.name, reason, note });
  }
  const message = `${person.name} asked to leave ${step.id} out, and that cannot be: ${whyNot(later)}`;
  run.progress({ type: 'warning', message });
  await run.journal.write({ type: 'refused', note, reason: message });
}

async function noWayBack(run: RunContext): Promise<string | undefined> {
  const { state } = run.journal;
  const letGo = sourcesLetGoOf(state);
  if (letGo.length > 0) {
    return `there is no way back: the former data of ${letGo.join(', ')} was let go of`;
  }
  const over = runOver(state, await run.allRuns());
  return over && `run ${over.run} was put over it: that one has to be given up first`;
}

/** A step that is not wanted. One that is done stays done. */
export async function skipStep(
  run: RunContext,
  step: Step,
  by: { readonly person: string; readonly reason: string; readonly note?: string },
): Promise<void> {
  const { phase } = run.journal.state.steps[step.id] ?? {};
  if (phase === 'done' || phase === 'skipped') return;
  await run.journal.write({ type: 'skipped', step: step.id, ...by });
  await happened(run, { type: 'step-skipped', step, person: by.person, reason: by.reason });
}

/** Nothing is left to do but what waits for its time: what was replaced is kept until then. */
export class KeptForNow extends Error {}

/** Errors: always `run.paused`. */
export async function pauseRun(run: RunContext, reason: string, note?: string): Promise<never> {
  await run.journal.write({ type: 'paused', reason, ...(note === undefined ? {} : { note }) });
  await happened(run, { type: 'paused', reason });
  throw paused(run, reason);
}

export function paused(run: RunContext, reason: string, hint = ''): LifeboatError {
  const { run: id, plan } = run.journal.state;
  return new LifeboatError('run.paused', `run ${id} is paused: ${reason}`, {
    hint: `${hint}${hint === '' ? '' : ' '}Everything is as the last step left it${stillFrozen(run.journal.state)}. Go on with \`lifeboat recover --resume ${plan.incident}\`, or back with \`lifeboat recover --abort ${id}\`.`,
    context: { run: id, incident: plan.incident },
  });
}
