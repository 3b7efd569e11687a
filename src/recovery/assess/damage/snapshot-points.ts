import { flaggedTag, incompleteTag, type Snapshot } from '../../../repository/index.ts';
import { writesSince } from './judge-points.ts';
import type { RestorePoint, RestorePoints } from './restore-point.ts';

/** Snapshots that are offered besides the newest. */
const offered = 5;

/** Of sources without a log: the newest snapshots (newest first), and whatever is behind those that are flagged. */
export function snapshotPoints(snapshots: readonly Snapshot[], now: Date): RestorePoints {
  const points = snapshots.map((each, at) => pointOf(each, at === 0, now));
  const sound = points.findIndex(({ doubts }) => doubts.length === 0);
  const chosen = points.filter((_, at) => at <= offered || at === sound);
  return { points: chosen, windows: [], snapshots: snapshots.length };
}

function pointOf(snapshot: Snapshot, isNewest: boolean, now: Date): RestorePoint {
  const { id, time, tags } = snapshot;
  const doubts: string[] = [];
  if (tags.includes(flaggedTag)) {
    doubts.push(`snapshot ${id.slice(0, 8)} is flagged: it looked as if something had happened`);
  }
  if (tags.includes(incompleteTag)) {
    doubts.push(`snapshot ${id.slice(0, 8)} lacks what could not be read then`);
  }
  return {
    kind: isNewest ? 'newest' : 'snapshot',
    text: isNewest ? 'the newest snapshot' : `snapshot ${id.slice(0, 8)}`,
    time: time.toISOString(),
    snapshot: id,
    doubts,
    loss: writesSince(time, { now, liveLsn: '' }, 'since then'),
  };
}
