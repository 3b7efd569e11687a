import type { RecoveryTarget } from '../backup-info.ts';
import { chooseTimeline, elsewhere } from './choose-timeline.ts';
import { type LoggedMoment, locateTarget } from './locate-target.ts';
import { outsideWindow } from './outside-window.ts';
import { type Reach, type ReachRequest, readKnownLog } from './reaches.ts';
import type { HistoryFiles } from './spool-wal.ts';
import { stopWithin } from './stop-within.ts';

/** Where the replay stops. */
export type ReplayStop =
  /** After the last whole record, which begins at `lastRecord`. */
  | { readonly kind: 'end'; readonly lastRecord: bigint }
  | { readonly kind: 'lsn'; readonly lsn: bigint; readonly inclusive: boolean }
  | { readonly kind: 'time'; readonly time: Date }
  | { readonly kind: 'consistent' };

export interface RecoveryPlan extends Reach {
  readonly stop: ReplayStop;
  readonly histories: HistoryFiles;
  /** What was searched in the log for a target that names a transaction or a restore point. */
  readonly located?: LoggedMoment;
}

export interface RecoveryRequest extends ReachRequest {
  readonly target: RecoveryTarget;
}

/**
 * Chooses the snapshot to start from, the timeline, and where to stop, and makes sure that the log leads there
 * without a hole. Errors: `repository.snapshot-missing`, `target.outside-window`, `target.unknown`, `log.gap`.
 */
export async function planRecovery(request: RecoveryRequest): Promise<RecoveryPlan> {
  const { signal } = request;
  const known = await readKnownLog(request);
  const line = chooseTimeline(known, request.timeline);
  const { target, located } = await locateTarget(request, line);
  for (const reach of line.reaches) {
    const found = await stopWithin(reach, target, signal);
    if (found) return { ...found, histories: known.histories, ...(located ? { located } : {}) };
    // `latest` and `snapshot-end` mean the newest snapshot; another one would be a different request.
    if (target.kind === 'latest' || target.kind === 'snapshot-end') break;
  }
  const other = request.timeline === undefined && (await elsewhere(line, target, signal));
  throw other || (await outsideWindow(line.reaches, target, signal));
}
