import { isZeroDuration, type RetentionDuration } from './retention-duration.ts';

export const periods = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;
export type Period = (typeof periods)[number];
export type KeepCount = number | 'unlimited';

/** Which snapshots to keep; a snapshot that no rule keeps goes. The rules mean exactly what they mean to restic. */
export interface RetentionPolicy {
  /** The newest so many. */
  readonly last?: KeepCount;
  /** The newest of each of the newest so many hours, days ... that have any. */
  readonly hourly?: KeepCount;
  readonly daily?: KeepCount;
  readonly weekly?: KeepCount;
  readonly monthly?: KeepCount;
  readonly yearly?: KeepCount;
  /** All that are so young; counted from the newest snapshot, not from now. */
  readonly within?: RetentionDuration;
  readonly withinHourly?: RetentionDuration;
  readonly withinDaily?: RetentionDuration;
  readonly withinWeekly?: RetentionDuration;
  readonly withinMonthly?: RetentionDuration;
  readonly withinYearly?: RetentionDuration;
  /** Lists of tags: all that have every tag of one of the lists. An empty tag means no tag at all. */
  readonly tags?: readonly (readonly string[])[];
  /**
   * The floor: so many newest restore points of each group stay whatever the rules say. Default `defaultMinimum`.
   */
  readonly minimum?: number;
}

export const defaultMinimum = 3;

const withinNames = {
  hourly: 'withinHourly',
  daily: 'withinDaily',
  weekly: 'withinWeekly',
  monthly: 'withinMonthly',
  yearly: 'withinYearly',
} as const;

export function keptWithin(policy: RetentionPolicy, period: Period): RetentionDuration | undefined {
  return given(policy[withinNames[period]]);
}

/** A span of zero is none, as in restic. */
export function given(duration: RetentionDuration | undefined): RetentionDuration | undefined {
  return duration && !isZeroDuration(duration) ? duration : undefined;
}

/** True when no rule keeps anything; the floor is no rule. */
export function hasNoRule(policy: RetentionPolicy): boolean {
  const counts = [policy.last, ...periods.map((period) => policy[period])];
  const spans = [policy.within, ...periods.map((period) => policy[withinNames[period]])];
  return (
    counts.every((count) => count === undefined || count === 0) &&
    spans.every((span) => given(span) === undefined) &&
    (policy.tags ?? []).length === 0
  );
}
