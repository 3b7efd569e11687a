import { LifeboatError, type Progress, silentProgress } from '../../../core/index.ts';
import type { Repository, Snapshot, TreeNode } from '../../../repository/index.ts';
import { type Lsn, parseLsn } from '../../../wal/index.ts';
import type { PostgresBackupInfo } from '../backup-info.ts';
import { listPostgresSnapshots } from '../base-backup/stored-backups.ts';

/** A snapshot of a PostgreSQL source together with what it says about itself. */
export interface BackupSnapshot {
  readonly snapshot: Snapshot;
  readonly info: PostgresBackupInfo;
  readonly startLsn: Lsn;
  readonly stopLsn: Lsn;
}

/** The snapshots of one source, newest (by timeline and position) first. One that cannot be read is told and passed over. */
export async function backupSnapshotsOf(
  repository: Repository,
  source: string,
  progress: Progress = silentProgress,
): Promise<readonly BackupSnapshot[]> {
  const stored = await listPostgresSnapshots(repository, source, progress);
  return stored
    .map(({ snapshot, info }) => ({
      snapshot,
      info,
      startLsn: parseLsn(info.startLsn),
      stopLsn: parseLsn(info.stopLsn),
    }))
    .toSorted((a, b) => b.info.timeline - a.info.timeline || (a.stopLsn < b.stopLsn ? 1 : -1));
}

/** The node of the data directory. */
export async function dataNode(repository: Repository, snapshot: Snapshot): Promise<TreeNode> {
  const node = await repository.findNode(snapshot.tree, '/data');
  if (node?.type === 'dir' && node.subtree !== undefined) return node;
  throw new LifeboatError('repository.damaged', `snapshot ${snapshot.id} holds no data directory`, {
    hint: 'It is no snapshot of a PostgreSQL source, or it was rewritten. Choose another one.',
  });
}
