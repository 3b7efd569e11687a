import type { WorkerPool } from '../data-plane/worker-pool.ts';
import type { Logs } from '../log/open-logs.ts';
import type { SnapshotRetention } from '../retention-lock/snapshot-retention.ts';
import type { RepositoryAccess } from '../stored-file.ts';

/** One of the two repositories of a copy, open. */
export interface CopySide {
  readonly id: string;
  readonly access: RepositoryAccess;
  readonly pool: WorkerPool;
  readonly logs: Logs;
  /** Where the location promises that everything stays for a time. */
  readonly retention?: SnapshotRetention | undefined;
}
