import type { Progress } from '../../core/index.ts';
import type { DatabaseRemoval } from '../ground/ground.ts';
import type { Surroundings } from '../surroundings.ts';
import type { Tell } from '../timeline.ts';

/** Every kind of step there is; `registry.ts` has the code of each. */
export type StepKindName =
  | 'identify'
  | 'freeze'
  | 'isolate'
  | 'forensic-copy'
  | 'safety-snapshot'
  | 'assess'
  | 'clearance'
  | 'restart'
  | 'rescue-rows'
  | 'extract'
  | 'restore'
  | 'restore-files'
  | 'redeploy'
  | 'validate'
  | 'deliver'
  | 'swap'
  | 'point-services'
  | 'command'
  | 'manual'
  | 'rotate-credentials'
  | 'test-services'
  | 'thaw'
  | 'watch'
  | 'backup'
  | 'prove'
  | 'settle';

export interface StepContext {
  readonly surroundings: Surroundings;
  readonly incident: string;
  /** Of the run: fences what it does, names what it leaves. */
  readonly token: string;
  /** Folder of this run on this host, for what is too large for a record; removed when the run has ended well. */
  readonly folder: string;
  /** What former steps of the run left for later ones, by step id. */
  readonly outcomes: Readonly<Record<string, StepOutcome>>;
  readonly tell: Tell;
  readonly progress: Progress;
  /** Aborted when the user cancels, and when the lease of the run is lost: then nothing more may be changed. */
  readonly signal: AbortSignal;
  /** Of the run: goes on steadily, whatever the clock of the host is set to. */
  readonly now: () => Date;
  /** Writes down which databases are about to be removed for good. Resolves when that is durable; then they may be. */
  readonly willRemove: (removal: DatabaseRemoval) => Promise<void>;
}

/** JSON, no secrets. */
export interface StepOutcome {
  /** One sentence, past tense. */
  readonly text: string;
  /** For later steps and for the undo. */
  readonly result: Readonly<Record<string, unknown>>;
  /** What shows that it was done and how it went, for the report. */
  readonly evidence: Readonly<Record<string, unknown>>;
}

/**
 * What was found of a step that was begun and whose end nobody saw.
 * `done`: never again; `not-done`: from the start; `continue`: it goes on by itself from where it is; `unclear`: a person decides.
 * `isAsBefore`: it is known to have changed nothing, so that there is nothing to undo; else a part of it may have been done.
 */
export type ProbeResult =
  | { readonly found: 'done'; readonly outcome: StepOutcome }
  | { readonly found: 'not-done'; readonly isAsBefore?: true }
  | { readonly found: 'continue' }
  | { readonly found: 'unclear'; readonly what: string };

/**
 * The code of one kind of step. `run` rejects with an error that says what holds now and what to do; it is never called a second time
 * for a destructive step unless `probe` found `not-done` or `continue`, or a person said so.
 */
export interface StepKind<Input = Readonly<Record<string, unknown>>> {
  readonly name: StepKindName;
  /** What stands against it, found without changing anything. Empty: nothing. */
  check?(input: Input, context: StepContext): Promise<readonly string[]>;
  /** Before this moment, by `now` of the context, it is not begun: the run waits for a while, and pauses where that is long. Absent: at once. */
  notBefore?(input: Input, context: StepContext): Promise<Date | undefined>;
  probe(input: Input, context: StepContext): Promise<ProbeResult>;
  run(input: Input, context: StepContext): Promise<StepOutcome>;
  /**
   * Back to before; `outcome` is undefined when nobody saw its end. May be called again after a crash or a failure of the undo. Absent:
   * there is nothing to undo.
   */
  undo?(input: Input, outcome: StepOutcome | undefined, context: StepContext): Promise<string>;
}
