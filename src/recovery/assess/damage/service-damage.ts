import type {
  BaselineDifference,
  ServiceRestarts,
  ServiceStatus,
} from '../../../platforms/index.ts';
import type { Part } from './part.ts';
import type { Excerpt } from './postgres-damage.ts';

/** A service of the configuration, as its platform sees it. */
export interface ServiceDamage {
  readonly name: string;
  readonly platform: string;
  /** Sources it writes to. */
  readonly writes: readonly string[];
  readonly state: Part<{
    readonly status: ServiceStatus;
    readonly text: string;
    readonly restarts?: ServiceRestarts;
  }>;
  /** What it was made of, against the baseline recorded with the newest backup before `since`. */
  readonly baseline: Part<BaselineComparison>;
  readonly output: Part<Excerpt>;
}

export interface BaselineComparison {
  /** When the baseline that is compared with was recorded; absent: there is none. */
  readonly recordedAt?: string;
  readonly changes: readonly BaselineDifference[];
  /** Changes between recorded baselines, the newest first: deployments, as far as backups saw them. */
  readonly deployments: readonly {
    /** It changed between these two. */
    readonly after: string;
    readonly before: string;
    readonly changes: readonly BaselineDifference[];
  }[];
}
