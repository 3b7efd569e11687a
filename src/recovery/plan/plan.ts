import type { StepKindName } from '../steps/step-kind.ts';

/** How a loss is recovered; `matrix.ts` says when each fits. */
export type Method =
  | 'restart'
  | 'rescue-rows'
  | 'table-from-the-past'
  | 'point-in-time'
  | 'full-restore'
  | 'new-server'
  | 'restore-files'
  | 'redeploy'
  /** The data is there, its backups are not: a new one, and a proof of it. */
  | 'new-backup'
  | 'clean-rebuild';

/** `plan`: only printed; `drill`: on isolated ground, cleaned up; `live`. Same steps, same code. */
export type RunMode = 'drill' | 'live';

/** What an authority allows; a person has the roles that the configuration gives. */
export type Authority =
  | 'execute'
  | 'accept-data-loss'
  | 'business-continuity'
  | 'security-clearance';

/**
 * What will be done, frozen: JSON without secrets, printed before anything happens, named by the hash of its content. Nothing is decided
 * while it runs but what a person is asked for.
 */
export interface Plan {
  readonly format: 1;
  /** First 16 hex digits of SHA-256 over the canonical JSON of everything else. */
  readonly id: string;
  readonly incident: string;
  readonly createdAt: string;
  readonly mode: RunMode;
  readonly method: Method;
  /** Why this method, what it presumes, what speaks against the others. */
  readonly reasons: readonly string[];
  readonly alternatives: readonly Alternative[];
  readonly sources: readonly string[];
  /** Restore point in words and as the recovery takes it. */
  readonly target?: PlanTarget;
  readonly predicted: Prediction;
  /**
   * Places whose identity was seen: `service NAME`, `server of SOURCE` (its system identifier), `ground of SOURCE`. Compared again before
   * the run changes anything.
   */
  readonly places: Readonly<
    Record<string, { readonly text: string; readonly fingerprint: string }>
  >;
  /** What it was made from: compared again before a run. */
  readonly seen?: PlanSeen;
  readonly steps: readonly Step[];
}

export interface PlanSeen {
  /** SHA-256 over what of the configuration matters to a recovery, hex. */
  readonly configuration: string;
  readonly sources: Readonly<Record<string, SeenSource>>;
}

export interface SeenSource {
  /** Of the live server; absent: it did not answer. */
  readonly systemId?: string;
  readonly newestSnapshot?: string;
}

export interface PlanTarget {
  readonly source: string;
  readonly text: string;
  /** As `RecoveryTarget` of the source, positions as text. */
  readonly target: Readonly<Record<string, unknown>>;
  readonly snapshot?: string;
}

export interface Prediction {
  /** Sum of the steps; undefined where nothing like it was ever measured. */
  readonly durationMs?: number;
  /** What is given up, in words that a person can agree to: `writes of 4 min 12 s before 14:29:03`, `none`. */
  readonly loss: string;
  readonly lossMs?: number;
  /** More is given up than is promised of a source: at most writes of so long. The strictest that is missed. */
  readonly missedRpoMs?: number;
  /** What the figures come from: `restored in 41 s on 2026-11-20 (proof 4f2a)`. */
  readonly basis: readonly string[];
  /** Steps (by id) that were never measured and are not in the sum; waiting for people is in none. */
  readonly unmeasured?: readonly string[];
}

export interface Alternative {
  readonly method: Method;
  readonly fits: boolean;
  readonly reason: string;
  readonly predicted?: Prediction;
}

export interface Step {
  /** Unique within the plan, stable: `freeze`, `restore-database`. */
  readonly id: string;
  readonly kind: StepKindName;
  /** Imperative, for people: `Stop the service api`. */
  readonly title: string;
  /** What it changes, for the one who types its name: host and object. */
  readonly target: string;
  /** What will be run there, word for word where it is a command. */
  readonly commands: readonly (readonly string[])[];
  /** For the kind alone, as `StepInputs` says; JSON, no secrets. */
  readonly input: Readonly<Record<string, unknown>>;
  readonly expectedMs?: number;
  /** Changes or removes data or stops somebody's work: has a probe, is tried once, is never repeated by itself. */
  readonly isDestructive: boolean;
  /** How it is undone, in words; undefined: it cannot be, or need not be. */
  readonly undo?: string;
  readonly approval?: Approval;
  /** What the record will hold of it. */
  readonly evidence: readonly string[];
}

export interface Approval {
  readonly authority: Authority;
  /** What has to be typed out; undefined: yes is enough. */
  readonly typed?: string;
  /** How many different people. */
  readonly persons: 1 | 2;
  readonly timeoutMs: number;
  readonly question: string;
}
