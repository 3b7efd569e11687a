import { LifeboatError, type Progress } from '../../../core/index.ts';
import {
  formatLsn,
  isTransactionRecord,
  type Lsn,
  readTransactionEnd,
  segmentStart,
} from '../../../wal/index.ts';
import type { RecoveryTarget } from '../backup-info.ts';
import type { LoggedMoment } from './locate-target.ts';
import { PausedRecovery, type PausedRecoveryOptions } from './paused-recovery.ts';
import { planRecovery, type RecoveryPlan, type RecoveryRequest } from './recovery-plan.ts';
import type { ReplayedServer } from './replay.ts';
import { visitPiece } from './search-log.ts';
import { timelineAt } from './timeline-path.ts';
import { readWalTail } from './wal-tail.ts';

/** A copy that stands at a moment, open for reading, while somebody decides where to go. */
export interface PausedServer {
  readonly socketFolder: string;
  readonly port: number;
  readonly user: string;
  /** False when a `goOn` failed on its way: then there is nothing to look at any more. */
  isStanding(): boolean;
  where(): Promise<PausedAt>;
  /** Goes on to a later moment. Errors: `target.behind`, those of planning and replaying. */
  goOn(target: RecoveryTarget): Promise<void>;
  /** The next transaction that was committed behind where it stands; undefined: that was the last one. */
  nextCommit(): Promise<(LoggedMoment & { readonly xid: number }) | undefined>;
}

export interface PausedAt {
  /** Behind the last record that was replayed. */
  readonly lsn: Lsn;
  readonly timeline: number;
  /** Of the last commit up to there; undefined when there was none since the snapshot. */
  readonly lastCommit: Date | undefined;
}

/** Decides with the server at hand. Resolves to take what it stands at; rejects to give it up. */
export type LookAround = (server: PausedServer) => Promise<void>;

/**
 * Replays to the plan's stop, stands there open for reading while `look` decides, and promotes the server where it
 * stands then. Errors: those of replaying, and what `look` throws.
 */
export async function replayLookingAround(
  options: PausedRecoveryOptions & { readonly progress?: Progress },
  request: RecoveryRequest,
  first: RecoveryPlan,
  look: LookAround,
): Promise<ReplayedServer & { readonly plan: RecoveryPlan }> {
  const recovery = await PausedRecovery.start(options, pausable(first));
  let isTaken = false;
  try {
    const { socketFolder, port } = recovery.server;
    await look({
      socketFolder,
      port,
      user: recovery.login.user,
      isStanding: () => recovery.isStanding,
      where: () => whereIs(recovery, options.signal),
      goOn: (target) => goOn(recovery, { ...request, target }),
      nextCommit: () => nextCommit(recovery, options.signal),
    });
    const accepted = await recovery.accept();
    isTaken = true;
    return { ...accepted, plan: recovery.plan };
  } finally {
    if (!isTaken) await recovery[Symbol.asyncDispose]();
  }
}

/** A replay to the end of the log knows no pause: it gets the last record as its stop. */
function pausable(plan: RecoveryPlan): RecoveryPlan {
  if (plan.stop.kind !== 'end') return plan;
  return { ...plan, stop: { kind: 'lsn', lsn: plan.stop.lastRecord, inclusive: true } };
}

async function whereIs(
  recovery: PausedRecovery,
  signal: AbortSignal | undefined,
): Promise<PausedAt> {
  const lsn = await recovery.position();
  const { plan } = recovery;
  const tail = await readWalTail({ ...plan, end: lsn }, plan.backup.startLsn, true, signal);
  const { lastCommitMs } = tail;
  return {
    lsn,
    timeline: timelineAt(plan.path, lsn - 1n),
    lastCommit: lastCommitMs === undefined ? undefined : new Date(lastCommitMs),
  };
}

async function goOn(recovery: PausedRecovery, request: RecoveryRequest): Promise<void> {
  const base = recovery.plan.backup.snapshot.id;
  const plan = pausable(await planRecovery({ ...request, base }));
  const at = await whereIs(recovery, request.signal);
  if (isBehind(plan, at)) {
    throw new LifeboatError('target.behind', `the copy stands at ${formatLsn(at.lsn)} already`, {
      hint: 'A replay only goes on. For an earlier moment a new one is needed.',
      context: { lsn: formatLsn(at.lsn) },
    });
  }
  await recovery.goOn(plan);
}

function isBehind({ stop, backup }: RecoveryPlan, at: PausedAt): boolean {
  if (stop.kind === 'lsn') return stop.lsn < at.lsn;
  if (stop.kind === 'time') return at.lastCommit !== undefined && stop.time < at.lastCommit;
  return stop.kind === 'consistent' && backup.stopLsn < at.lsn;
}

async function nextCommit(recovery: PausedRecovery, signal: AbortSignal | undefined) {
  const { path, holdings, backup, end } = recovery.plan;
  const { segmentSizeBytes } = backup.info;
  const from = await recovery.position();
  const start = segmentStart(from, segmentSizeBytes);
  let found: (LoggedMoment & { readonly xid: number }) | undefined;
  await visitPiece(
    { path, holdings, segmentSizeBytes, start, end, held: end },
    (record) => {
      if (record.lsn < from || !isTransactionRecord(record)) return;
      const ending = readTransactionEnd(record);
      if (ending?.outcome !== 'commit') return;
      const { lsn } = record;
      const { xid, timeMs } = ending;
      const timeline = timelineAt(path, lsn);
      found = { what: `transaction ${xid}`, xid, lsn, timeline, time: new Date(timeMs) };
      return 'stop';
    },
    { title: 'looking for the next transaction', ...(signal ? { signal } : {}) },
  );
  return found;
}
