import type { Snapshot } from '../repository.ts';
import {
  applyRules,
  type DatedSnapshot,
  type RuleKeeps,
  type RulePassesOver,
  type RuleVerdict,
} from './apply-rules.ts';
import { defaultMinimum, type RetentionPolicy } from './retention-policy.ts';
import { checkpointTag, flaggedTag } from './special-tags.ts';
import { isWhole, wholeBeside } from './whole-beside.ts';
import { parseWrittenTime, type WrittenTime } from './written-time.ts';

/** What stands above the rules: see `decide`. */
export type Safeguard =
  | 'floor'
  | 'future'
  | 'checkpoint'
  | 'newest-unflagged'
  | 'newest-whole'
  | 'frozen'
  | 'window';

/** The fate of one snapshot and all reasons for it. */
export interface ForgetDecision {
  readonly snapshot: Snapshot;
  readonly keep: boolean;
  /** Rules that keep it. */
  readonly keptBy: readonly RuleKeeps[];
  readonly safeguards: readonly Safeguard[];
  /** Rules that do not; for those that go. */
  readonly passedOver: readonly RulePassesOver[];
  /** An interrupted backup that a whole one has replaced. */
  readonly isSuperseded: boolean;
}

export interface GroupDecision {
  /** Newest first. */
  readonly decisions: readonly ForgetDecision[];
  /** True when the newest restore point is flagged, so that no unflagged one goes. */
  readonly isFrozen: boolean;
}

interface Dated extends DatedSnapshot {
  readonly snapshot: Snapshot;
}

/**
 * Which snapshots of a group stay. The rules are restic's; above them stand, for what is no mistake of a rule but its abuse:
 * snapshots of the future stay and count for nothing (a wrong clock or an attacker would push the others out); interrupted backups
 * count for nothing and stay until a whole one is newer; a floor of `minimum` restore points stays, unflagged ones first; the
 * newest unflagged one stays, and while the newest of all is flagged every unflagged one does. What could not be read may be
 * missing in the newest: the newest whole one and as many of these as the floor says stay, and one beside each incomplete one that
 * stands for a day, a week ... And what `needed` names: without it a moment of a promised recovery window would be lost.
 */
export function decide(
  snapshots: readonly Snapshot[],
  policy: RetentionPolicy,
  now: Date,
  needed: ReadonlySet<string> = new Set(),
): GroupDecision {
  const nowNs = BigInt(now.getTime()) * 1_000_000n;
  const sorted = snapshots.map(dated).sort(newestFirst);
  const isFuture = ({ written }: Dated) => written.ns > nowNs;
  const isPoint = (each: Dated) => !isFuture(each) && !isCheckpoint(each);
  const points = sorted.filter(isPoint);
  const verdicts = new Map<Dated, RuleVerdict>();
  for (const [index, verdict] of applyRules(points, policy, nowNs).entries()) {
    verdicts.set(points[index] as Dated, verdict);
  }
  const beside = wholeBeside(points, (each) => verdicts.get(each));
  const whole = points.filter(isWhole);
  // Where none is incomplete the rules alone decide.
  const newestWhole = whole[0] === points[0] ? undefined : whole[0];
  const minimum = policy.minimum ?? defaultMinimum;
  const floor = new Set([...floorOf(points, minimum), ...floorOf(whole, minimum)]);
  const newestUnflagged = points.find((each) => !isFlagged(each));
  const isFrozen = newestUnflagged !== undefined && newestUnflagged !== points[0];
  const decisions = sorted.map((each): ForgetDecision => {
    const verdict = verdicts.get(each) ?? taggedOnly(each, policy, nowNs);
    const keeps = [...verdict.keeps, ...(beside.get(each) ?? [])];
    const newest = points[0];
    const isSuperseded =
      !isFuture(each) && isCheckpoint(each) && !!newest && newest.written.ns >= each.written.ns;
    const safeguards: Safeguard[] = [
      ...(isFuture(each) ? (['future'] as const) : []),
      ...(isCheckpoint(each) && !isFuture(each) && !isSuperseded ? (['checkpoint'] as const) : []),
      ...(floor.has(each) ? (['floor'] as const) : []),
      ...(each === newestUnflagged ? (['newest-unflagged'] as const) : []),
      ...(each === newestWhole ? (['newest-whole'] as const) : []),
      ...(isFrozen && isPoint(each) && !isFlagged(each) ? (['frozen'] as const) : []),
      ...(needed.has(each.snapshot.id) ? (['window'] as const) : []),
    ];
    const keep = keeps.length > 0 || safeguards.length > 0;
    return {
      snapshot: each.snapshot,
      keep,
      keptBy: keeps,
      safeguards,
      passedOver: keep ? [] : verdict.passesOver,
      isSuperseded,
    };
  });
  return { decisions, isFrozen };
}

/** Of an interrupted backup or one of the future only its tags count. */
function taggedOnly(each: Dated, { tags }: RetentionPolicy, nowNs: bigint): RuleVerdict {
  const [verdict] = applyRules([each], tags ? { tags } : {}, nowNs);
  return verdict ?? { keeps: [], passesOver: [] };
}

/** The newest `minimum`, unflagged ones before flagged ones. */
export function floorOf<Item extends Pick<Snapshot, 'tags'>>(
  newestFirst: readonly Item[],
  minimum: number,
): readonly Item[] {
  const flagged = newestFirst.filter(isFlagged);
  return [...newestFirst.filter((each) => !isFlagged(each)), ...flagged].slice(0, minimum);
}

export function isFlagged({ tags }: Pick<Snapshot, 'tags'>): boolean {
  return tags.includes(flaggedTag);
}

export function isCheckpoint({ tags }: Pick<Snapshot, 'tags'>): boolean {
  return tags.includes(checkpointTag);
}

function dated(snapshot: Snapshot): Dated {
  return { id: snapshot.id, tags: snapshot.tags, snapshot, written: writtenTime(snapshot) };
}

function writtenTime({ timeText, timeNs, time }: Snapshot): WrittenTime {
  const written = timeText === undefined ? undefined : parseWrittenTime(timeText);
  if (written !== undefined) return written;
  const ns = timeNs ?? BigInt(time.getTime()) * 1_000_000n;
  return { ns, wallMs: Number(ns / 1_000_000n), offsetAt: () => 0 };
}

/** Of two made at the same moment the order is always the same. */
function newestFirst(a: Dated, b: Dated): number {
  if (a.written.ns !== b.written.ns) return a.written.ns < b.written.ns ? 1 : -1;
  return a.id < b.id ? -1 : 1;
}
