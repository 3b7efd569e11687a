import { formatDuration } from '../../../core/index.ts';
import type { RecoveryPoints, RecoveryWindow } from '../../../sources/index.ts';
import { parseLsn } from '../../../wal/index.ts';
import { coverageOf, isValid } from '../../prove/coverage.ts';
import type { StoredProof } from '../../prove/proof.ts';
import type { LossSuspect } from '../loss-report.ts';
import type { RestoreLoss, RestorePoint, RestorePoints } from './restore-point.ts';

export interface KnownPoints {
  readonly stored: RecoveryPoints;
  /** Newest first. */
  readonly proofs: readonly StoredProof[];
  readonly validForMs: number;
}

export interface Happened {
  readonly now: Date;
  /** End of the live server's log; undefined: it does not answer, or is another cluster. */
  readonly liveLsn?: string;
  readonly suspects: readonly LossSuspect[];
}

/** Suspects whose moment before is offered. */
const suspectsOffered = 5;

/** Where it can be taken back to, the most useful first: just before what did it, then the newest states. */
export function judgePoints(known: KnownPoints, happened: Happened): RestorePoints {
  const { stored } = known;
  const points = [
    ...happened.suspects
      .filter(({ recoverable }) => recoverable)
      .slice(0, suspectsOffered)
      .map((suspect) => beforeSuspect(known, happened, suspect)),
    ...newest(known, happened),
    ...newestProven(known, happened),
    ...newestSnapshot(known, happened),
  ];
  return {
    points,
    windows: stored.windows.map(({ from, to, fromLsn, toLsn, timeline, missingSegment }) => ({
      from: from.toISOString(),
      to: to.toISOString(),
      fromLsn,
      toLsn,
      timeline,
      ...(missingSegment === undefined ? {} : { missingSegment }),
    })),
    snapshots: stored.snapshots.length,
  };
}

const names: Record<LossSuspect['kind'], string> = {
  'drop-database': 'DROP DATABASE',
  'drop-schema': 'DROP SCHEMA',
  'drop-table': 'DROP TABLE',
  truncate: 'TRUNCATE',
  delete: 'DELETE',
  'mass-update': 'UPDATE of many rows',
};

function beforeSuspect(known: KnownPoints, happened: Happened, suspect: LossSuspect): RestorePoint {
  const { xid, kind, commitTime, commitLsn, target, base, action } = suspect;
  const loss = writesSince(new Date(commitTime), happened, 'since then');
  const proof = proofAt(known, happened.now, target);
  return {
    kind: 'before-suspect',
    text: `just before transaction ${xid} (${names[kind]})`,
    time: commitTime,
    target: { kind: 'lsn', lsn: target.lsn, inclusive: false },
    lsn: target.lsn,
    timeline: target.timeline,
    ...(base === undefined ? {} : { snapshot: base.snapshot }),
    xid,
    commitLsn,
    ...proofOf(proof),
    doubts: doubtsOf(known, base?.snapshot, proof !== undefined),
    loss: action === 'rescue' ? { ...loss, isAvoidable: true } : loss,
  };
}

function newest(known: KnownPoints, happened: Happened): readonly RestorePoint[] {
  const [window] = known.stored.windows;
  if (window === undefined) return [];
  const proof = proofAt(known, happened.now, { lsn: window.toLsn, timeline: window.timeline });
  const snapshot = window.snapshots.at(-1);
  return [
    {
      kind: 'newest',
      text: 'the newest state there is',
      time: window.to.toISOString(),
      target: { kind: 'latest' },
      lsn: window.toLsn,
      timeline: window.timeline,
      ...(snapshot === undefined ? {} : { snapshot }),
      ...proofOf(proof),
      doubts: doubtsOf(known, snapshot, proof !== undefined),
      loss: isAtEnd(window, happened)
        ? { text: 'none: it holds all that the server has written', durationMs: 0 }
        : writesSince(window.to, happened, 'that have not arrived'),
    },
  ];
}

function isAtEnd({ toLsn }: RecoveryWindow, { liveLsn }: Happened): boolean {
  return liveLsn !== undefined && parseLsn(toLsn) >= parseLsn(liveLsn);
}

/** The end of what a proof has replayed, nearest to now; nothing when the newest state itself is proven. */
function newestProven(known: KnownPoints, happened: Happened): readonly RestorePoint[] {
  const valid = validProofs(known, happened.now);
  for (const [at, window] of known.stored.windows.entries()) {
    const span = coverageOf(window, valid).proven.at(-1);
    if (span === undefined) continue;
    if (at === 0 && span.toLsn === window.toLsn) return [];
    const proof = valid.find(({ reachedLsn, snapshot }) => {
      return reachedLsn === span.toLsn && window.snapshots.some((id) => id === snapshot);
    });
    const time = span.to ?? (proof?.reachedTime ? new Date(proof.reachedTime) : window.to);
    return [
      {
        kind: 'newest-proven',
        text: 'the newest state that was restored and checked',
        time: time.toISOString(),
        target: { kind: 'lsn', lsn: span.toLsn, inclusive: true },
        lsn: span.toLsn,
        timeline: window.timeline,
        ...(proof?.snapshot === undefined ? {} : { snapshot: proof.snapshot }),
        ...proofOf(proof),
        doubts: [],
        loss: writesSince(time, happened, 'since then'),
      },
    ];
  }
  return [];
}

/** Of use where the log leads nowhere. */
function newestSnapshot(known: KnownPoints, happened: Happened): readonly RestorePoint[] {
  const [snapshot] = known.stored.snapshots;
  if (snapshot === undefined) return [];
  const { id, time, lsn, timeline } = snapshot;
  const proof = proofAt(known, happened.now, { lsn, timeline });
  return [
    {
      kind: 'snapshot',
      text: `the end of snapshot ${id.slice(0, 8)}`,
      time: time.toISOString(),
      target: { kind: 'snapshot-end' },
      lsn,
      timeline,
      snapshot: id,
      ...proofOf(proof),
      doubts: doubtsOf(known, id, proof !== undefined),
      loss: writesSince(time, happened, 'since then'),
    },
  ];
}

/** Up to now where the server still takes writes; where it is not there nobody knows until when it did. */
export function writesSince(
  time: Date,
  { now, liveLsn }: Pick<Happened, 'now' | 'liveLsn'>,
  which: string,
): RestoreLoss {
  const durationMs = Math.max(0, now.getTime() - time.getTime());
  const span = formatDuration(durationMs);
  const until = liveLsn === undefined ? ', as far as the server still wrote' : '';
  return { text: `writes of up to ${span} ${which}${until}`, durationMs };
}

function validProofs({ proofs, validForMs }: KnownPoints, now: Date): readonly StoredProof[] {
  return proofs.filter((each) => isValid(each, validForMs, now));
}

/** The newest proof that counts still and has replayed up to the position or beyond. */
function proofAt(
  known: KnownPoints,
  now: Date,
  { lsn, timeline }: { readonly lsn: string; readonly timeline: number },
): StoredProof | undefined {
  const at = parseLsn(lsn);
  return validProofs(known, now).find((proof) => {
    const { fromLsn, reachedLsn, reachedTimeline } = proof;
    if (fromLsn === undefined || reachedLsn === undefined) return false;
    const isThere = known.stored.snapshots.some(({ id }) => id === proof.snapshot);
    const isSameWay = (reachedTimeline ?? proof.timeline ?? timeline) === timeline;
    return isThere && isSameWay && parseLsn(fromLsn) <= at && at <= parseLsn(reachedLsn);
  });
}

function proofOf(proof: StoredProof | undefined): Pick<RestorePoint, 'proof'> {
  if (proof === undefined) return {};
  return { proof: { id: proof.id, time: proof.time.toISOString(), rtoMs: proof.rtoMs } };
}

function doubtsOf(
  { proofs, stored }: KnownPoints,
  snapshot: string | undefined,
  isProven: boolean,
): readonly string[] {
  const doubts: string[] = [];
  const last = proofs.find((each) => each.snapshot === snapshot);
  if (!isProven && last?.verdict === 'failed') {
    doubts.push(`a proof that began with its snapshot failed at ${last.time.toISOString()}`);
  }
  const damaged = stored.snapshots.find(({ id }) => id === snapshot)?.damagedPages ?? 0;
  if (damaged > 0) doubts.push(`its snapshot holds ${damaged} pages that were damaged already`);
  return doubts;
}
