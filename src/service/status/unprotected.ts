import type { SourceSetting } from '../../config/index.ts';
import type { RecoveryWindow } from '../../sources/index.ts';

/** A server may take so long to hand over the segment in which a backup ended. */
const archivePatienceMs = 60 * 60_000;

/** Why a database with backups is not protected as it is meant to be, in words; undefined: nothing says so. */
export function whyUnprotected(
  setting: SourceSetting,
  window: RecoveryWindow | undefined,
  lastBackupAgeMs: number,
): string | undefined {
  if (window === undefined) return 'none of its backups can be read: nothing can be restored';
  // Every backup ends with a change of segment, so that the server has one to hand over, however idle it is.
  const isArchived = setting.kind === 'postgres' && setting.archive?.only === true;
  if (isArchived && window.fromLsn === window.toLsn && lastBackupAgeMs > archivePatienceMs) {
    return 'the server has archived nothing since the last backup; `lifeboat archive` prints what to set';
  }
  return undefined;
}
