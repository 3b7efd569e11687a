import { silentProgress } from '../../core/index.ts';
import type { WorkerPool } from '../data-plane/worker-pool.ts';
import { BlobIndex } from '../index/blob-index.ts';
import { RepositoryLock } from '../lock/repository-lock.ts';
import { checkLogs } from '../log/check-logs.ts';
import { checkRecords } from '../record/check-records.ts';
import type { CheckReport, OperationOptions } from '../repository.ts';
import type { RepositoryAccess } from '../stored-file.ts';
import { checkKeys } from './check-keys.ts';
import { leftoversOfStockTools } from './check-leftovers.ts';
import { checkPacks } from './check-packs.ts';
import { checkSnapshots } from './check-snapshots.ts';
import type { CheckState } from './check-state.ts';
import { checkTrees } from './check-trees.ts';
import { Findings } from './findings.ts';
import type { ReadData } from './pack-subset.ts';

export interface CheckOptions extends OperationOptions {
  /** Reads packs, and all segments of logs. Default: only what it takes to follow snapshots. */
  readonly readData?: ReadData;
}

/**
 * Finds everything that is damaged, missing or swapped, and what it affects. Without `readData` the contents of data
 * blobs are not read. Never throws because of damage.
 */
export async function checkRepository(
  access: RepositoryAccess,
  pool: WorkerPool,
  options: CheckOptions,
): Promise<CheckReport> {
  const { signal, progress = silentProgress, readData = false } = options;
  // Backups may go on beside a check; a prune may not.
  await using _lock = await RepositoryLock.acquire(access, {
    exclusive: false,
    operation: 'check',
    waitMs: options.lockWaitMs,
    signal,
    progress,
  });
  const state: CheckState = {
    access,
    pool,
    findings: new Findings(),
    sound: new BlobIndex(),
    unsound: new Map(),
    readData,
    signal,
    progress,
    bytesRead: 0,
  };
  await checkKeys(state);
  // Snapshots before the index: what a backup publishes meanwhile is not looked for in an older index.
  const snapshots = await checkSnapshots(state);
  const packs = await checkPacks(state);
  await checkTrees(state, snapshots);
  const { location, masterKey: key } = access;
  const onBytesRead = (bytes: number) => {
    state.bytesRead += bytes;
  };
  const logs = new Set<string>();
  const onLog = (name: string) => void logs.add(name);
  const logOptions = { location, key, pool, readData: readData === true, signal };
  state.findings.addAll(await checkLogs({ ...logOptions, onLog, onBytesRead }));
  state.findings.addAll(leftoversOfStockTools(snapshots, logs));
  state.findings.addAll(await checkRecords({ location, key, signal }));
  return {
    findings: state.findings.report(),
    packs,
    blobs: state.sound.blobCount,
    snapshots: snapshots.length,
    bytesRead: state.bytesRead,
  };
}
