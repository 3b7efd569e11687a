import type { Part } from './part.ts';
import type { Excerpt } from './postgres-damage.ts';

/** A service of the configuration, as its platform sees it. */
export interface ServiceDamage {
  readonly name: string;
  readonly platform: string;
  /** Sources it writes to. */
  readonly writes: readonly string[];
  readonly state: Part<{
    readonly status: 'running' | 'stopped' | 'starting' | 'failing' | 'absent';
    readonly text: string;
  }>;
  /** What it was made of, against the newest recorded baseline that differs from nothing before it. */
  readonly baseline: Part<BaselineComparison>;
  readonly output: Part<Excerpt>;
}

export interface BaselineComparison {
  /** When the baseline that is compared with was recorded; absent: there is none. */
  readonly recordedAt?: string;
  readonly changes: readonly ServiceChange[];
  /** Changes between recorded baselines, the newest first: deployments, as far as backups saw them. */
  readonly deployments: readonly {
    /** It changed between these two. */
    readonly after: string;
    readonly before: string;
    readonly changes: readonly ServiceChange[];
  }[];
}

export interface ServiceChange {
  /** `image digest`, `environment DATABASE_URL`, `port`, `file /srv/compose.yaml`. */
  readonly what: string;
  /** Absent: it was not there. Never the value of a variable. */
  readonly before?: string;
  readonly now?: string;
}
