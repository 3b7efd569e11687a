import { createHash } from 'node:crypto';
import { canonicalJson } from '../../repository/index.ts';
import type { DatabaseRemoval } from '../ground/ground.ts';
import type { Plan } from '../plan/plan.ts';
import type { StepOutcome } from '../steps/step-kind.ts';
import type { Holder } from './holder.ts';

export interface StepError {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

/** What a run writes down, each before anything depends on it. Times are those of the entry. */
export type EntryBody =
  | {
      readonly type: 'opened';
      readonly plan: Plan;
      /** When the loss was declared: the clock of the recovery runs since then. */
      readonly declaredAt: string;
      readonly objectiveMs?: number;
      /** Runs that had recovered the same, and kept what they replaced: this one was put over them. */
      readonly over?: readonly string[];
    }
  /** This process drives the run from now on; who did it before must not go on. */
  | {
      readonly type: 'taken';
      readonly holder: Holder;
      readonly targets: readonly string[];
      /** What came before is known from a repository alone, which may lack the end of it. */
      readonly mayLack?: true;
    }
  | {
      readonly type: 'approved';
      readonly step: string;
      readonly person: string;
      /** Not that it begins: that what was written since it is given up. */
      readonly isLoss?: true;
      /** Id of the note that said so; absent: said to the process itself. The same below. */
      readonly note?: string;
    }
  | {
      readonly type: 'declined';
      readonly step: string;
      readonly person: string;
      readonly comment: string;
      readonly note?: string;
    }
  /** Durable before the step begins. */
  | { readonly type: 'intent'; readonly step: string; readonly attempt: number }
  | {
      readonly type: 'outcome';
      readonly step: string;
      readonly outcome: StepOutcome;
      readonly durationMs: number;
      /** How it is known: it was seen to end, it was found done afterwards, or a person said so. */
      readonly known: 'seen' | 'found' | 'said';
    }
  | {
      readonly type: 'failed';
      readonly step: string;
      readonly error: StepError;
      readonly durationMs: number;
    }
  | {
      readonly type: 'skipped';
      readonly step: string;
      readonly person: string;
      readonly reason: string;
      readonly note?: string;
    }
  /** Of a step that was done: what it left is gone with its host, or was taken back there. It is to be done again. */
  | { readonly type: 'lost'; readonly step: string; readonly reason: string }
  | { readonly type: 'paused'; readonly reason: string; readonly note?: string }
  | {
      readonly type: 'aborting';
      readonly person: string;
      readonly reason: string;
      readonly note?: string;
    }
  /** Of a swap that is to be undone: why what was written since cannot be kept. It waits for somebody who gives that up. */
  | { readonly type: 'unkept'; readonly step: string; readonly why: string }
  /** Before the undo of this step: where what was written to recovered data since is, or that it was given up; in words. */
  | { readonly type: 'kept'; readonly step: string; readonly kept: readonly string[] }
  /** Durable before they go: in the log of their server that is no loss. */
  | ({ readonly type: 'removes' } & DatabaseRemoval)
  /** What a note asked for cannot be, and is not done later either. */
  | { readonly type: 'refused'; readonly note: string; readonly reason: string }
  | { readonly type: 'undo-intent'; readonly step: string }
  | { readonly type: 'undone'; readonly step: string; readonly text: string }
  | { readonly type: 'undo-failed'; readonly step: string; readonly error: StepError }
  /** The commands of the plan were shown on this host, which had not made it, and allowed. */
  | { readonly type: 'host-allowed'; readonly person: string }
  | { readonly type: 'done' }
  /** `stays`: what could not be undone, or has no undo. */
  | { readonly type: 'aborted'; readonly stays: readonly string[] };

/** One line of the journal of a run. JSON, no secrets. */
export interface RunEntry {
  readonly format: 1;
  /** Also the token that destructive steps leave in their targets. */
  readonly run: string;
  /** 1, 2, 3 ... along `previous`. */
  readonly sequence: number;
  /** Of the lease it was written under: rises with each process that takes the run. */
  readonly epoch: number;
  readonly time: string;
  readonly actor: string;
  readonly host: string;
  /** `id` of the entry before; empty for the first. */
  readonly previous: string;
  readonly body: EntryBody;
  /** SHA-256 over the canonical JSON of everything else. */
  readonly id: string;
}

export function sealEntry(entry: Omit<RunEntry, 'id' | 'format'>): RunEntry {
  const content = { format: 1 as const, ...entry };
  return Object.freeze({ ...content, id: idOf(content) });
}

/** Undefined when it is none, or was changed since it was written. */
export function parseEntry(value: unknown): RunEntry | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { id, ...content } = value as RunEntry;
  const isEntry =
    content.format === 1 &&
    typeof content.run === 'string' &&
    Number.isSafeInteger(content.sequence) &&
    Number.isSafeInteger(content.epoch) &&
    typeof content.body?.type === 'string' &&
    id === idOf(content);
  return isEntry ? (value as RunEntry) : undefined;
}

function idOf(content: Omit<RunEntry, 'id'>): string {
  return createHash('sha256').update(canonicalJson(content)).digest('hex');
}
