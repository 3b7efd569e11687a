import { hostname } from 'node:os';
import { isCheckpoint, type Snapshot } from '../../../repository/index.ts';

/**
 * The snapshots that tell which files have not changed, newest first: the newest whole one of the same host and paths, as
 * restic chooses it, and before it the checkpoints of interrupted backups since.
 */
export function chooseParents(
  snapshots: readonly Snapshot[],
  paths: readonly string[],
): readonly Snapshot[] {
  const chosen: Snapshot[] = [];
  for (const snapshot of snapshots) {
    if (!isOf(snapshot, paths)) continue;
    chosen.push(snapshot);
    if (!isCheckpoint(snapshot)) break;
  }
  return chosen;
}

function isOf(snapshot: Snapshot, paths: readonly string[]): boolean {
  if (snapshot.hostname !== hostname() || snapshot.paths.length !== paths.length) return false;
  const known = new Set(snapshot.paths);
  return paths.every((path) => known.has(path));
}
