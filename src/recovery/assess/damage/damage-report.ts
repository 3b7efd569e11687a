import type { LossType } from '../../../config/index.ts';
import type { DamageFinding } from './damage-finding.ts';
import type { FilesDamage } from './files-damage.ts';
import type { HostDamage } from './host-damage.ts';
import type { PostgresDamage } from './postgres-damage.ts';
import type { ServiceDamage } from './service-damage.ts';

export type SourceDamage = PostgresDamage | FilesDamage;

/**
 * What is lost, since when, what did it, what is still there, and what can be recovered to at what loss: what one assessment saw.
 * Frozen, and JSON as it stands: times ISO 8601, positions as text. Excerpts of outputs and queries are the user's: `withoutExcerpts`
 * leaves them out for whoever passes it on.
 */
export interface DamageReport {
  readonly format: 1;
  /** First 16 hex digits of SHA-256 over the JSON of everything else. */
  readonly id: string;
  /** `name` of the configuration. */
  readonly configuration: string;
  readonly startTime: string;
  readonly durationMs: number;
  readonly actor: string;
  /** Until when all was well, as far as was asked for; else a day before it began. How far the log was searched stands in `suspects`. */
  readonly since: string;
  readonly isQuick: boolean;
  /** Set when it was ended before every part was done: those say so. */
  readonly isInterrupted?: true;
  /** `not-looked`: no part of any source could be looked at. */
  readonly verdict: 'nothing-found' | 'damage-found' | 'not-looked';
  /** The worst first. */
  readonly findings: readonly DamageFinding[];
  /** Names of incidents. What kind of loss this looks like, the most likely first. Empty: nothing points anywhere. */
  readonly lossTypes: readonly { readonly type: LossType; readonly because: string }[];
  readonly sources: readonly SourceDamage[];
  readonly services: readonly ServiceDamage[];
  readonly host: HostDamage;
}
