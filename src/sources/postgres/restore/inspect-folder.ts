import { LifeboatError, type Progress, silentProgress } from '../../../core/index.ts';
import type { Repository } from '../../../repository/index.ts';
import type { Lsn } from '../../../wal/index.ts';
import { findServerPrograms, runServer, type ServerPrograms } from '../server/index.ts';
import { type BackupSnapshot, backupSnapshotsOf } from './backup-snapshot.ts';
import { isolationSettings } from './isolation-settings.ts';
import { shutDown } from './recover-folder.ts';
import { type InspectRestored, inspectRestored } from './restored-server.ts';

export interface InspectFolderOptions {
  /** A data directory as `restoreToMoment` left it. */
  readonly folder: string;
  readonly repository: Repository;
  readonly source: string;
  /** Full id of the snapshot that it was restored from. */
  readonly snapshot: string;
  readonly reachedLsn: Lsn;
  /** That was followed up to there. */
  readonly timeline: number;
  readonly inspect: InspectRestored;
  readonly programs?: ServerPrograms;
  readonly account?: string;
  /** Who may log in then. */
  readonly users?: readonly string[];
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
}

/** As for what is kept: everything reaches the disk. */
const kept = { fsync: 'on', full_page_writes: 'on', synchronous_commit: 'on', wal_recycle: 'on' };

/**
 * Lets `inspect` look at a restored data directory by a server of its own, which is cut off from everything and shut down cleanly
 * afterwards. Errors: `repository.snapshot-missing`, `postgres.start-failed`,
 * `recovery.failed`, those of `inspect`.
 */
export async function inspectFolder(options: InspectFolderOptions): Promise<void> {
  const { folder, reachedLsn, timeline, inspect, account, signal } = options;
  const progress = options.progress ?? silentProgress;
  const base = await baseOf(options);
  const major = Math.floor(base.info.serverVersion / 10_000);
  const programs = options.programs ?? (await findServerPrograms(major));
  const server = await runServer({
    programs,
    dataFolder: folder,
    settings: { ...isolationSettings({ programs }), ...kept },
    ...(account === undefined ? {} : { account }),
    ...(signal ? { signal } : {}),
  });
  const users = ['postgres', ...(options.users ?? [])];
  try {
    await inspectRestored(inspect, server, { reachedLsn, timeline, base, users, progress });
  } finally {
    await shutDown(server);
  }
}

async function baseOf(options: InspectFolderOptions): Promise<BackupSnapshot> {
  const { repository, source, snapshot, progress } = options;
  const all = await backupSnapshotsOf(repository, source, progress);
  const base = all.find((each) => each.snapshot.id === snapshot);
  if (base) return base;
  throw new LifeboatError(
    'repository.snapshot-missing',
    `the snapshot ${snapshot.slice(0, 8)} that ${source} was restored from is gone`,
    { hint: 'Nothing says what must be in it any more: restore again from another one.' },
  );
}
