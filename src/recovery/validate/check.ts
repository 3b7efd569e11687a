import type { Desk } from './desk.ts';
import type { Place } from './place.ts';

/** One thing that must hold of a server's data. `checks.ts` lists all of them. */
export interface Check {
  /** Public: it stands in proofs and in `--json`. */
  readonly name: string;
  /** What holds when it passes, for people. */
  readonly title: string;
  /** What it looks at, in the singular and the plural. */
  readonly objects: readonly [one: string, many: string];
  /** It compares with what only a copy can be compared with. */
  readonly isForCopies?: true;
  /** What is to be done; reads catalogs only. */
  plan(place: Place, desk: Desk): Promise<CheckPlan>;
}

export interface CheckPlan {
  readonly units: readonly CheckUnit[];
  /** What this check should look at and cannot. Never passed over in silence. */
  readonly notChecked: readonly NotChecked[];
}

/** A piece of a check: one index, one file, one constraint. */
export interface CheckUnit {
  /** For people: `shop.public.orders`. */
  readonly object: string;
  /** How much is read, about; for progress. */
  readonly bytes: number;
  /** It waits by itself for the pace of the place. */
  readonly keepsPace?: true;
  /** An error that the server answers with is a problem of the object. */
  run(desk: Desk): Promise<UnitOutcome>;
}

export interface UnitOutcome {
  /** What is wrong with the object. Without data of the user's: proofs are read by many. */
  readonly problems: readonly string[];
  /** Why it could not be looked at, or not in full. */
  readonly notChecked?: string;
  /** A value that the next proof compares with. */
  readonly value?: number;
  readonly damaged?: DamagedFile;
}

/** Pages with wrong checksums in a file. */
export interface DamagedFile {
  /** Relative to the data directory. */
  readonly path: string;
  /** Number of the file's first block within its relation. */
  readonly firstBlock: number;
  /** Within the relation. */
  readonly blocks: readonly number[];
}

export interface NotChecked {
  readonly what: string;
  readonly why: string;
}

export interface Problem {
  readonly object: string;
  readonly problem: string;
}

export type Verdict = 'passed' | 'failed' | 'not-checked';

/** What a check found, with what it looked at as evidence. */
export interface CheckResult {
  readonly check: string;
  readonly title: string;
  readonly verdict: Verdict;
  /** In words: `214 indexes`. */
  readonly looked: string;
  readonly objects: number;
  readonly bytes: number;
  readonly durationMs: number;
  readonly problems: readonly Problem[];
  /** Problems beyond those that are listed. */
  readonly moreProblems?: number;
  readonly notChecked: readonly NotChecked[];
  readonly values?: Readonly<Record<string, number>>;
  readonly damaged?: readonly DamagedObject[];
}

export interface DamagedObject extends DamagedFile {
  readonly object: string;
}

export const whole: UnitOutcome = Object.freeze({ problems: [] });
