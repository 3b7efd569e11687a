import { LifeboatError } from '../../core/index.ts';
import type { Plan } from '../plan/plan.ts';
import type { StepOutcome } from '../steps/step-kind.ts';
import type { Holder } from './holder.ts';
import type { RunEntry, StepError } from './run-entry.ts';

/**
 * `begun`: an intent, and no end of it was seen; `failed`: it ended with an error, and what it left is to be found out;
 * `undoing`: an undo of which no end was seen.
 */
export type StepPhase = 'waiting' | 'begun' | 'failed' | 'done' | 'skipped' | 'undoing' | 'undone';

export interface StepState {
  readonly phase: StepPhase;
  /** Intents so far. */
  readonly attempts: number;
  /** Who allowed it. */
  readonly approvals: readonly { readonly person: string; readonly time: string }[];
  /** Why what was written since this swap cannot be kept, of a run that is given up. */
  readonly unkept?: string;
  /** Who gave that up. */
  readonly lossApprovals?: readonly { readonly person: string; readonly time: string }[];
  readonly begunAt?: string;
  /** Of a step that is done or was left out. */
  readonly endedAt?: string;
  readonly outcome?: StepOutcome;
  readonly durationMs?: number;
  readonly error?: StepError;
  /** Of a step that was skipped. */
  readonly reason?: string;
}

export type RunPhase = 'running' | 'paused' | 'aborting' | 'done' | 'aborted';

/** What a journal says of a run. */
export interface RunState {
  readonly run: string;
  readonly plan: Plan;
  readonly phase: RunPhase;
  readonly openedAt: string;
  readonly declaredAt: string;
  readonly objectiveMs?: number;
  /** Runs that kept what they replaced when this one began over them. */
  readonly over: readonly string[];
  readonly steps: Readonly<Record<string, StepState>>;
  readonly epoch: number;
  readonly lastSequence: number;
  readonly lastId: string;
  /** When something was written last, by whoever drives it. */
  readonly lastTime: string;
  readonly holder?: Holder;
  readonly targets: readonly string[];
  /** Hosts whose commands of this plan are allowed: where it was opened, and where somebody said so. */
  readonly hosts: readonly string[];
  /**
   * Steps of which a host that is gone may have begun one without a repository having heard of it, and those that it did: what they left may be
   * gone with it, or taken back.
   */
  readonly doubtful: readonly string[];
  /** Ids of notes that were answered. */
  readonly notes: readonly string[];
  /** What became of what was written to recovered data, of a run that is given up. */
  readonly kept: readonly string[];
  /** Why it stands, or what stays behind. */
  readonly reason?: string;
  readonly stays?: readonly string[];
}

/**
 * Entries of several copies of a journal, in the order in which they hold: a later lease comes after an earlier one, whose entries may
 * have been written without its knowing. Copies of one entry count once.
 */
export function mergeEntries(...copies: readonly (readonly RunEntry[])[]): readonly RunEntry[] {
  const byId = new Map(copies.flat().map((entry) => [entry.id, entry]));
  return [...byId.values()].sort(
    (a, b) => a.epoch - b.epoch || a.sequence - b.sequence || (a.id < b.id ? -1 : 1),
  );
}

/** What is known of a run, to tell of it. Undefined when there is nothing, or no beginning. */
export function foldRun(entries: readonly RunEntry[]): RunState | undefined {
  const [first] = entries;
  if (first?.body.type !== 'opened') return undefined;
  const { plan, declaredAt, objectiveMs, over = [] } = first.body;
  let state: RunState = {
    run: first.run,
    plan,
    phase: 'running',
    openedAt: first.time,
    declaredAt,
    ...(objectiveMs === undefined ? {} : { objectiveMs }),
    over,
    steps: Object.fromEntries(plan.steps.map(({ id }) => [id, waiting])),
    epoch: first.epoch,
    lastSequence: first.sequence,
    lastId: first.id,
    lastTime: first.time,
    targets: [],
    hosts: [first.host],
    doubtful: [],
    notes: [],
    kept: [],
  };
  for (const entry of entries) state = applyEntry(state, entry);
  return state;
}

const waiting: StepState = { phase: 'waiting', attempts: 0, approvals: [] };

export function applyEntry(state: RunState, entry: RunEntry): RunState {
  const { epoch, sequence, id, time, host, body } = entry;
  const note = 'note' in body ? body.note : undefined;
  const now = {
    ...state,
    epoch,
    lastSequence: sequence,
    lastId: id,
    lastTime: time,
    notes: note === undefined ? state.notes : [...state.notes, note],
  };
  const step = 'step' in body ? state.steps[body.step] : undefined;
  const withStep = (change: Partial<StepState>): RunState => {
    if (step === undefined || !('step' in body)) return now;
    return { ...now, steps: { ...state.steps, [body.step]: { ...step, ...change } } };
  };
  switch (body.type) {
    case 'opened':
    case 'refused':
    case 'removes':
      return now;
    case 'taken': {
      const { reason: _, ...going } = now;
      const phase = state.phase === 'paused' ? 'running' : state.phase;
      const doubtful = body.mayLack ? stepsInDoubt(state) : state.doubtful;
      return { ...going, phase, holder: body.holder, targets: body.targets, doubtful };
    }
    case 'host-allowed':
      return { ...now, hosts: [...state.hosts, host] };
    case 'approved': {
      const by = { person: body.person, time };
      if (body.isLoss) return withStep({ lossApprovals: [...(step?.lossApprovals ?? []), by] });
      return withStep({ approvals: [...(step?.approvals ?? []), by] });
    }
    case 'declined':
      return withStep(state.phase === 'aborting' ? { lossApprovals: [] } : { approvals: [] });
    case 'unkept':
      return withStep({ unkept: body.why });
    case 'intent':
      return withStep({ phase: 'begun', attempts: body.attempt, begunAt: time });
    case 'outcome':
      return withStep({
        phase: 'done',
        outcome: body.outcome,
        durationMs: body.durationMs,
        endedAt: time,
      });
    case 'failed':
      // What was seen to end well stays done, whatever another process wrote that did not know of it.
      if (step?.phase === 'done') return now;
      return withStep({ phase: 'failed', error: body.error, durationMs: body.durationMs });
    case 'skipped':
      // Of a run that is given up: it is left as it is, and not to be undone.
      return withStep({
        phase: 'skipped',
        reason: body.reason,
        endedAt: time,
        ...(state.phase === 'aborting' ? { attempts: 0 } : {}),
      });
    case 'lost': {
      if (step === undefined) return now;
      const { outcome: _, endedAt: __, ...rest } = step;
      const again = { ...rest, phase: 'waiting' as const };
      return { ...now, steps: { ...state.steps, [body.step]: again } };
    }
    case 'paused':
      return {
        ...now,
        phase: now.phase === 'aborting' ? 'aborting' : 'paused',
        reason: body.reason,
      };
    case 'aborting':
      return { ...now, phase: 'aborting', reason: body.reason };
    case 'kept':
      return { ...now, kept: [...new Set([...state.kept, ...body.kept])] };
    case 'undo-intent':
      return withStep({ phase: 'undoing' });
    case 'undone':
      return withStep({ phase: 'undone' });
    case 'undo-failed':
      return withStep({ phase: 'undoing', error: body.error });
    case 'done':
      return { ...now, phase: 'done' };
    case 'aborted':
      return { ...now, phase: 'aborted', stays: body.stays };
  }
}

function stepsInDoubt({ plan, steps }: RunState): readonly string[] {
  return plan.steps
    .filter(({ id, isDestructive }) => {
      const phase = steps[id]?.phase;
      return phase === 'done' || (phase === 'waiting' && isDestructive);
    })
    .map(({ id }) => id);
}

/**
 * Going on without an intent that somebody took away could do a step twice. Errors: `record.invalid` when a piece in the middle is
 * missing.
 */
export function requireWhole(entries: readonly RunEntry[]): void {
  const ids = new Set(entries.map(({ id }) => id));
  const lost = entries.find(({ previous }) => previous !== '' && !ids.has(previous));
  if (lost === undefined) return;
  throw new LifeboatError(
    'record.invalid',
    `the journal of run ${lost.run} has a hole before entry ${lost.sequence}`,
    {
      hint: 'Nothing was changed. Make every repository of the configuration reachable, which may hold the rest, and go on with the state folder of the host that ran it.',
      context: { run: lost.run, sequence: lost.sequence },
    },
  );
}
