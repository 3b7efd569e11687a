import type { Approval, Step } from '../plan/plan.ts';
import type { StepError } from './run-entry.ts';
import type { RunState } from './run-state.ts';

/** What whoever watches a run hears of it, as it happens; `state` is the journal after it. */
export type RunEvent = { readonly state: RunState } & (
  | { readonly type: 'opened' | 'resumed' | 'done' }
  | { readonly type: 'step-begun'; readonly step: Step; readonly attempt: number }
  | {
      readonly type: 'step-done';
      readonly step: Step;
      readonly text: string;
      readonly durationMs: number;
      readonly known: 'seen' | 'found' | 'said';
    }
  | { readonly type: 'step-failed'; readonly step: Step; readonly error: StepError }
  | {
      readonly type: 'step-skipped';
      readonly step: Step;
      readonly person: string;
      readonly reason: string;
    }
  | { readonly type: 'step-lost'; readonly step: Step; readonly reason: string }
  /** It waits for so many more people. */
  | {
      readonly type: 'approval-wanted';
      readonly step: Step;
      readonly approval: Approval;
      readonly missing: number;
      /** Who may; absent: anybody. */
      readonly who?: readonly string[];
    }
  | {
      readonly type: 'approved';
      readonly step: Step;
      readonly person: string;
      /** Not that it begins: that what was written since it is given up. */
      readonly isLoss?: true;
    }
  | {
      readonly type: 'declined';
      readonly step: Step;
      readonly person: string;
      readonly comment: string;
    }
  /** Somebody wanted to allow it who may not, or a second time. */
  | { readonly type: 'approval-ignored'; readonly step: Step; readonly why: string }
  | { readonly type: 'paused' | 'aborting'; readonly reason: string }
  /** All is done but to let go of what was replaced, which is kept until then (ISO 8601). */
  | { readonly type: 'recovered'; readonly keptUntil: string }
  | { readonly type: 'undo-begun'; readonly step: Step }
  | { readonly type: 'undone'; readonly step: Step; readonly text: string }
  | { readonly type: 'undo-failed'; readonly step: Step; readonly error: StepError }
  | { readonly type: 'aborted'; readonly stays: readonly string[] }
);

/** One sentence for the timeline of the incident; undefined: it is none of its business. */
export function sentenceOf(event: RunEvent): string | undefined {
  const { run, plan } = event.state;
  switch (event.type) {
    case 'opened':
      return `began run ${run} (${plan.method}, ${plan.steps.length} steps)`;
    case 'resumed':
      return `went on with run ${run}`;
    case 'done':
      return `run ${run} is done`;
    case 'recovered':
      return `run ${run} has recovered; what was replaced is kept until ${event.keptUntil}`;
    case 'step-begun':
      return `began step ${event.step.id}: ${event.step.title}`;
    case 'step-done':
      return `step ${event.step.id} is done: ${event.text}`;
    case 'step-failed':
      return `step ${event.step.id} failed: ${event.error.message}`;
    case 'step-skipped':
      return `${event.person} left step ${event.step.id} out: ${event.reason}`;
    case 'step-lost':
      return `step ${event.step.id} is done again: ${event.reason}`;
    case 'approval-wanted':
      return undefined;
    case 'approved':
      if (event.isLoss) return `${event.person} allowed: ${event.step.title}`;
      return `${event.person} allowed step ${event.step.id} (${event.step.target})`;
    case 'declined':
      return `${event.person} declined step ${event.step.id}: ${event.comment}`;
    case 'approval-ignored':
      return `an approval of step ${event.step.id} does not count: ${event.why}`;
    case 'paused':
      return `run ${run} paused: ${event.reason}`;
    case 'aborting':
      return `run ${run} is being given up: ${event.reason}`;
    case 'undo-begun':
      return `undoing step ${event.step.id}`;
    case 'undone':
      return `undid step ${event.step.id}: ${event.text}`;
    case 'undo-failed':
      return `step ${event.step.id} could not be undone: ${event.error.message}`;
    case 'aborted':
      return `gave run ${run} up${event.stays.length > 0 ? `; stays: ${event.stays.join('; ')}` : ''}`;
  }
}
