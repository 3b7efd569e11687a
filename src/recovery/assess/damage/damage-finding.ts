/** What an assessment calls a sign of damage. Public: stands in `--json`. */
export type FindingKind =
  | 'server-down'
  | 'server-refuses'
  | 'server-read-only'
  | 'other-cluster'
  | 'database-missing'
  | 'table-missing'
  | 'table-emptied'
  | 'rows-fewer'
  | 'rows-unexplained'
  | 'drift'
  | 'suspect'
  | 'damaged-page'
  | 'invalid-index'
  | 'integrity'
  | 'destructive-statement'
  | 'destructive-session'
  | 'replication'
  | 'server-log'
  | 'proof-failed'
  | 'nothing-restorable'
  | 'files-missing'
  | 'files-changed'
  | 'files-scrambled'
  | 'path-missing'
  | 'flagged-snapshot'
  | 'disk-full'
  | 'disk-read-only'
  | 'kernel'
  | 'memory'
  | 'service-state'
  | 'service-restarts'
  | 'service-changed'
  | 'service-output';

/**
 * How much it proves. `certain`: it was seen, or counted; `likely`: something else could explain it; `weak`: a hint, no damage by
 * itself (no time, no certainty).
 */
export type FindingStrength = 'certain' | 'likely' | 'weak';

export type FindingSeverity = 'critical' | 'high' | 'medium' | 'low';

/** One sign of damage, in one sentence. */
export interface DamageFinding {
  readonly kind: FindingKind;
  readonly severity: FindingSeverity;
  readonly strength: FindingStrength;
  /** For people, lower case, no full stop. Names of the user's things stand in it as they are. */
  readonly text: string;
  readonly source?: string;
  readonly service?: string;
  /** What it is about: `shop.public.orders`, a path, a mount point. */
  readonly object?: string;
  /** It was right at this moment still. ISO 8601. */
  readonly since?: string;
  /** When it happened, or was seen. */
  readonly at?: string;
}

/** Whether it counts as damage: a hint alone does not, nor what merely should be seen to. */
export function isDamage({ severity, strength }: DamageFinding): boolean {
  return strength !== 'weak' && severity !== 'low';
}
