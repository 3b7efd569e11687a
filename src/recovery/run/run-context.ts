import { type Progress, sleep } from '../../core/index.ts';
import type { Step } from '../plan/plan.ts';
import type { StepContext, StepKind, StepKindName, StepOutcome } from '../steps/step-kind.ts';
import type { Surroundings } from '../surroundings.ts';
import type { Tell } from '../timeline.ts';
import type { Journal } from './journal.ts';
import type { Lease } from './lease.ts';
import type { Person } from './people.ts';
import type { RunDesk } from './run-desk.ts';
import { type RunEvent, sentenceOf } from './run-event.ts';
import type { RunState } from './run-state.ts';

/** Finds the code of a kind of step. */
export type StepKinds = (name: StepKindName) => Promise<StepKind>;

type EventBody<Event> = Event extends unknown ? Omit<Event, 'state'> : never;

/** All that driving a run takes, once it was taken. */
export interface RunContext {
  readonly journal: Journal;
  readonly lease: Lease;
  readonly surroundings: Surroundings;
  readonly kinds: StepKinds;
  readonly me: Person;
  readonly desk: RunDesk;
  readonly tell: Tell;
  readonly progress: Progress;
  readonly onEvent: (event: RunEvent) => void;
  readonly folder: string;
  /** Every run that this host, its state and its repositories know of. */
  readonly allRuns: () => Promise<readonly RunState[]>;
  /** Of the user. */
  readonly signal: AbortSignal;
  /** Of the user, or because the lease is lost. */
  readonly stop: AbortSignal;
  readonly now: () => Date;
  /** What is to wait for its time is done now. */
  readonly isEarly: boolean;
  /** How often is looked for what others say. */
  readonly pollMs: number;
}

/** Tells whoever watches, and the incident. */
export async function happened(run: RunContext, body: EventBody<RunEvent>): Promise<void> {
  const event = { ...body, state: run.journal.state } as RunEvent;
  run.onEvent(event);
  const text = sentenceOf(event);
  if (text === undefined) return;
  const { durationMs } = event as { durationMs?: number };
  await run.tell({
    event: `run.${event.type}`,
    text,
    ...(durationMs === undefined ? {} : { durationMs }),
    data: {
      run: event.state.run,
      ...('step' in event ? { step: event.step.id, target: event.step.target } : {}),
    },
  });
}

/** `signal`: of a step that ends for more reasons than the run. */
export function stepContext(run: RunContext, signal: AbortSignal = run.stop): StepContext {
  const { surroundings, tell, progress, folder, journal, now } = run;
  return {
    surroundings,
    incident: journal.state.plan.incident,
    token: journal.state.run,
    folder,
    outcomes: outcomesOf(journal.state),
    tell,
    progress,
    signal,
    now,
    async willRemove(removal) {
      await journal.write({ type: 'removes', ...removal });
    },
  };
}

function outcomesOf({ steps }: RunState): Readonly<Record<string, StepOutcome>> {
  const known = Object.entries(steps).flatMap(([id, { outcome, phase }]) =>
    outcome && phase !== 'undone' ? [[id, outcome] as const] : [],
  );
  return Object.fromEntries(known);
}

export function stepState(run: RunContext, { id }: Step) {
  const state = run.journal.state.steps[id];
  if (!state) throw new TypeError(`the plan has no step ${id}`);
  return state;
}

/** Until the next look at what others say; ends early when the run has to stop. */
export async function untilNextLook(run: RunContext): Promise<void> {
  await sleep(run.pollMs, run.stop);
}
