import type { RunDesk, StepKindName } from '../../../src/recovery/index.ts';
import type { planOf } from '../recovery-run.ts';
import type { FailureScene } from './failure-scene.ts';

/** The ways in which a step can fail, of "Bad input gets". */
export const ways = ['time-out', 'non-zero', 'partial', 'cut', 'wrong answer'] as const;
export type Way = (typeof ways)[number];

/** Steps of a plan; the one that fails has the id `it`. */
export type StepsOfTest = Parameters<typeof planOf>[0];

/** One kind of step that fails in one way, with real parts. */
export interface FailingWay {
  /** For where time is short: the others are left to the soak. */
  readonly isQuick?: true;
  /** What stands in for the fault, for the title: `the firewall command does not end`. */
  readonly fault: string;
  /** Lines of lifeboat.yaml beside its name, state and repositories. */
  yaml(scene: FailureScene): string;
  steps(scene: FailureScene): StepsOfTest;
  /** Before the run: what there is, and what will break. Scripts look whether the file `broken` is there, which is so until `mend`. */
  prepare?(scene: FailureScene): Promise<void> | void;
  /** What the run says when it stops. */
  readonly says: RegExp;
  /** Of the error. Default: `run.failed`. */
  readonly code?: 'run.failed' | 'run.paused' | 'approval.refused' | 'cancelled';
  /** Default: `failed`. */
  readonly phase?: 'failed' | 'waiting' | 'begun';
  /** What must hold while it stands. */
  holds?(scene: FailureScene): Promise<void> | void;
  /** Puts the cause right, beside the removal of `broken`. */
  mend?(scene: FailureScene): Promise<void> | void;
  /** Going on asks a person what became of the step. */
  readonly isAsked?: true;
  /** After it was gone on with, and ended well. */
  done?(scene: FailureScene): Promise<void> | void;
  /** What the step changes: the same before the run and after an abort. */
  state?(scene: FailureScene): Promise<unknown> | unknown;
  /** What an abort says that it leaves; absent: nothing. */
  readonly stays?: RegExp;
  /** What was before may be gone in part: giving up is refused, changes nothing, and the run is gone on with to its end. */
  readonly hasNoWayBack?: true;
  /** It has no bound of its own: once this is so, whoever sits there presses Ctrl-C, and that ends it. */
  cancels?(scene: FailureScene): boolean;
  /** Once a script has made the file `hangs`, that much time passes at once. */
  readonly passesMs?: number;
  /** Who answers questions of the run; default: nobody before the failure, everything is allowed after it. */
  desk?(scene: FailureScene): RunDesk;
}

/** Why a kind cannot fail in a way. */
export interface Cannot {
  readonly cannot: string;
}

export type FailuresOf = Readonly<
  Partial<Record<Way, readonly FailingWay[] | FailingWay | Cannot>>
>;
export type FailureTable = Readonly<Partial<Record<StepKindName, FailuresOf>>>;

export interface NamedFailure {
  readonly title: string;
  readonly failure: FailingWay;
}

/** What of a table is tested, one by one. */
export function failuresIn(table: FailureTable): readonly NamedFailure[] {
  return Object.entries(table).flatMap(([kind, failures]) =>
    Object.entries(failures).flatMap(([way, found]) =>
      ('cannot' in found ? [] : [found].flat()).map((failure: FailingWay) => ({
        title: `${kind}, ${way}: ${failure.fault}`,
        failure,
      })),
    ),
  );
}
