import type { Snapshot, SnapshotId } from '../repository.ts';
import { bucketOf } from './bucket.ts';
import { before, formatRetentionDuration, type RetentionDuration } from './retention-duration.ts';
import {
  given,
  type KeepCount,
  keptWithin,
  periods,
  type RetentionPolicy,
} from './retention-policy.ts';
import type { WrittenTime } from './written-time.ts';

/** What the rules look at. */
export type DatedSnapshot = Pick<Snapshot, 'id' | 'tags'> & { readonly written: WrittenTime };

/** Why a rule keeps a snapshot. */
export interface RuleKeeps {
  readonly rule: string;
  /** `2026-11-25`, `2026-W48` ...: what it stands for. */
  readonly bucket?: string;
  /** Kept only because it is the oldest one and the rule had some left. */
  readonly isOldest?: true;
  /** Kept only because this one, which stands for the bucket, is incomplete. */
  readonly beside?: SnapshotId;
}

/** Why a rule does not keep it. */
export interface RulePassesOver {
  readonly rule: string;
  readonly bucket?: string;
  readonly because: 'bucket-taken' | 'used-up' | 'too-old' | 'no-tag';
  /** Who stands for the bucket. */
  readonly takenBy?: SnapshotId;
}

export interface RuleVerdict {
  readonly keeps: readonly RuleKeeps[];
  readonly passesOver: readonly RulePassesOver[];
}

/** A rule's answer; it remembers what it has kept. Asked for each snapshot, newest first. */
type Rule = (snapshot: DatedSnapshot, isLast: boolean) => RuleKeeps | RulePassesOver;

/**
 * restic's rules on snapshots that are sorted newest first: the answer for each, in their order. No snapshot is special here.
 */
export function applyRules(
  newestFirst: readonly DatedSnapshot[],
  policy: RetentionPolicy,
  nowNs: bigint,
): readonly RuleVerdict[] {
  // Spans are counted from the newest snapshot that is not in the future.
  const latest = newestFirst.find(({ written }) => written.ns < nowNs)?.written;
  const rules = [
    ...(policy.tags ?? []).map(tagRule),
    ...(given(policy.within) ? [withinRule(policy.within as RetentionDuration, latest)] : []),
    ...countRules(policy),
    ...periods.flatMap((period) => {
      const span = keptWithin(policy, period);
      return span ? [periodWithinRule(period, span, latest)] : [];
    }),
  ];
  return newestFirst.map((snapshot, index) => {
    const answers = rules.map((rule) => rule(snapshot, index === newestFirst.length - 1));
    return {
      keeps: answers.filter((answer) => !('because' in answer)),
      passesOver: answers.filter((answer) => 'because' in answer),
    };
  });
}

function tagRule(wanted: readonly string[]): Rule {
  const rule = `tag ${wanted.join(',')}`;
  return (snapshot) => (hasTags(snapshot.tags, wanted) ? { rule } : { rule, because: 'no-tag' });
}

/** Every wanted tag; an empty one stands for having none. */
export function hasTags(tags: readonly string[], wanted: readonly string[]): boolean {
  return wanted.every((tag) => (tag === '' ? tags.length === 0 : tags.includes(tag)));
}

function withinRule(span: RetentionDuration, latest: WrittenTime | undefined): Rule {
  const rule = `within ${formatRetentionDuration(span)}`;
  const isYoung = younger(span, latest);
  return ({ written }) => (isYoung(written) ? { rule } : { rule, because: 'too-old' });
}

function countRules(policy: RetentionPolicy): Rule[] {
  const rules: Rule[] = [];
  const wanted = (count: KeepCount | undefined): count is KeepCount =>
    count === 'unlimited' || (count ?? 0) > 0;
  if (wanted(policy.last)) {
    let number = 0;
    rules.push(countRule(`last ${policy.last}`, policy.last, () => `#${++number}`));
  }
  for (const period of periods) {
    const count = policy[period];
    if (!wanted(count)) continue;
    const bucket = ({ written }: DatedSnapshot) => bucketOf(written, period);
    rules.push(countRule(`${period} ${count}`, count, bucket));
  }
  return rules;
}

function countRule(
  rule: string,
  count: KeepCount,
  bucketFor: (snapshot: DatedSnapshot) => string,
): Rule {
  let left = count === 'unlimited' ? Number.POSITIVE_INFINITY : count;
  const buckets = bucketRule(rule, bucketFor);
  return (snapshot, isLast) => {
    if (left === 0) return { rule, because: 'used-up' };
    const answer = buckets(snapshot, isLast);
    if (!('because' in answer)) left--;
    return answer;
  };
}

function periodWithinRule(
  period: (typeof periods)[number],
  span: RetentionDuration,
  latest: WrittenTime | undefined,
): Rule {
  const rule = `${period} within ${formatRetentionDuration(span)}`;
  const isYoung = younger(span, latest);
  const buckets = bucketRule(rule, ({ written }) => bucketOf(written, period));
  return (snapshot, isLast) => {
    if (!isYoung(snapshot.written)) return { rule, because: 'too-old' };
    return buckets(snapshot, isLast);
  };
}

/** Keeps the newest of each bucket, and the oldest of all, so that history reaches as far back as it can. */
function bucketRule(rule: string, bucketFor: (snapshot: DatedSnapshot) => string): Rule {
  let former: string | undefined;
  let takenBy: SnapshotId | undefined;
  return (snapshot, isLast) => {
    const bucket = bucketFor(snapshot);
    const isTaken = bucket === former;
    if (isTaken && !isLast) {
      return { rule, bucket, because: 'bucket-taken', ...(takenBy ? { takenBy } : {}) };
    }
    former = bucket;
    takenBy = snapshot.id;
    return { rule, bucket, ...(isTaken ? { isOldest: true } : {}) };
  };
}

function younger(
  span: RetentionDuration,
  latest: WrittenTime | undefined,
): (written: WrittenTime) => boolean {
  // When all are in the future there is nothing to count from.
  if (latest === undefined) return () => true;
  const limit = before(latest, span);
  return ({ ns }) => ns > limit;
}
