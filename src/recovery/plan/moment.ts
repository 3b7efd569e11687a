import type { PlanFacts, ProofFacts, SnapshotFacts, SourceFacts } from './facts.ts';
import type { Method } from './plan.ts';
import { firstOf, relevantSuspects } from './relevant-suspects.ts';
import type { Situation } from './situation.ts';

/** The moment that a source is taken back to. */
export interface PlanMoment {
  /** `RecoveryTarget`, positions and times as text. */
  readonly target: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** Where it lies in time; absent where only the position is known, and for the newest state. */
  readonly time?: string;
  readonly lsn?: string;
  readonly snapshot?: string;
  readonly timeline?: number;
  /** The proof that this very state was restored and found good. */
  readonly proof?: string;
}

const newest: PlanMoment = { target: { kind: 'latest' }, text: 'the newest state there is' };

/** What goes back to the newest state when nobody names another: the log itself is good there. */
export const endsAtNewest: readonly Situation[] = [
  'host-lost',
  'data-gone',
  'corrupted',
  'part-corrupted',
  'server-down',
];

/** Where a method takes the source; undefined: nobody knows, and a person must say. */
export function momentOf(
  method: Method,
  situation: Situation | undefined,
  source: SourceFacts,
  facts: PlanFacts,
): PlanMoment | undefined {
  if (method === 'clean-rebuild') return cleanMoment(source, facts);
  if (source.kind !== 'postgres') {
    // Without a log nobody but a person can say whether a dump is from before the loss.
    const isDump = source.kind === 'postgres-dump';
    const isNewestGood = situation === undefined || endsAtNewest.includes(situation);
    if (isDump && facts.wish.target === undefined && !isNewestGood) return undefined;
    return snapshotMoment(source, facts);
  }
  const { target: wished } = facts.wish;
  const suspect = firstOf(relevantSuspects(source, facts.wish));
  if (wished !== undefined && wished.beforeXid === undefined) {
    const { beforeXid: _, ...moment } = wished;
    return moment;
  }
  if (suspect !== undefined && situation !== 'part-corrupted') {
    const { lsn, timeline } = suspect.target;
    return {
      target: { kind: 'lsn', lsn, inclusive: false },
      text: `just before transaction ${suspect.xid} (${suspect.kind} at ${suspect.commitTime})`,
      time: suspect.commitTime,
      lsn,
      timeline,
      ...(suspect.base ? { snapshot: suspect.base.snapshot } : {}),
    };
  }
  if (wished !== undefined) {
    const { beforeXid: _, ...moment } = wished;
    return moment;
  }
  if (method === 'full-restore') return newestOf(source);
  if (situation === undefined) return method === 'new-server' ? newestOf(source) : undefined;
  return endsAtNewest.includes(situation) ? newestOf(source) : undefined;
}

/** The run keeps what is there as a snapshot before it restores: that one, damage and all, must not be what it begins with. */
function newestOf({ server, snapshots }: SourceFacts): PlanMoment {
  const sound = snapshots.find(({ doubts }) => doubts.length === 0);
  return server !== 'up' || sound === undefined ? newest : { ...newest, snapshot: sound.id };
}

/** Of what has no log: the newest snapshot that is good, before the moment that is named. */
function snapshotMoment(source: SourceFacts, { wish }: PlanFacts): PlanMoment | undefined {
  const { time } = wish.target ?? {};
  const found =
    namedOf(source, wish) ??
    before(source.snapshots, time).find(({ doubts }) => doubts.length === 0) ??
    before(source.snapshots, time)[0];
  return found && ofSnapshot(found);
}

/** The snapshot that was named, where it is one of this source: of several sources it is of one. */
export function namedOf(
  { snapshots }: SourceFacts,
  { target }: PlanFacts['wish'],
): SnapshotFacts | undefined {
  const { snapshot } = target ?? {};
  return snapshot === undefined ? undefined : snapshots.find(({ id }) => id.startsWith(snapshot));
}

function ofSnapshot({ id, time }: SnapshotFacts): PlanMoment {
  const text = `snapshot ${id.slice(0, 8)} of ${time}`;
  return { target: { kind: 'snapshot-end' }, text, time, snapshot: id };
}

function before(snapshots: readonly SnapshotFacts[], time: string | undefined) {
  return time === undefined ? snapshots : snapshots.filter((each) => each.time <= time);
}

/**
 * The last state before the intrusion that was proven and is not flagged. Of PostgreSQL within what a proof covers: its snapshot and
 * the log that it replayed. Nobody proves files: there an unflagged snapshot must do. Without a moment of the intrusion there is none.
 */
function cleanMoment(source: SourceFacts, facts: PlanFacts): PlanMoment | undefined {
  const moment = facts.wish.target;
  const until = moment?.time ?? firstOf(relevantSuspects(source, facts.wish))?.commitTime;
  if (until === undefined) return undefined;
  const clean = before(source.snapshots, until).filter(({ doubts }) => doubts.length === 0);
  if (source.kind !== 'postgres') return clean[0] && ofSnapshot(clean[0]);
  const proven = source.proofs.flatMap((proof) => {
    const snapshot = clean.find(({ id }) => id === proof.snapshot);
    return snapshot && proof.verdict === 'passed' ? [provenMoment(proof, snapshot, until)] : [];
  });
  return proven.toSorted((a, b) => (b.time ?? '').localeCompare(a.time ?? ''))[0];
}

function provenMoment(proof: ProofFacts, snapshot: SnapshotFacts, until: string): PlanMoment {
  const { id, reachedTime, reachedLsn } = proof;
  const common = { snapshot: snapshot.id, proof: id };
  const by = `(snapshot ${snapshot.id.slice(0, 8)}, proof ${id.slice(0, 8)})`;
  // Just before the intrusion, when the proof went further than that.
  if (reachedTime !== undefined && reachedTime > until) {
    const time = new Date(Date.parse(until) - 1).toISOString();
    return { ...common, target: { kind: 'time', time }, text: `just before ${until} ${by}`, time };
  }
  if (reachedTime !== undefined && reachedLsn !== undefined) {
    const target = { kind: 'lsn', lsn: reachedLsn, inclusive: false };
    return { ...common, target, text: `${reachedTime} ${by}`, time: reachedTime };
  }
  const text = `the end of the snapshot of ${snapshot.time} ${by}`;
  return { ...common, target: { kind: 'snapshot-end' }, text, time: snapshot.time };
}
