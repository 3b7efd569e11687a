import type { Progress } from '../../core/index.ts';
import type { WorkerPool } from '../data-plane/worker-pool.ts';
import type { BlobIndex } from '../index/blob-index.ts';
import type { BlobId, BlobType } from '../repository.ts';
import type { RepositoryAccess } from '../stored-file.ts';
import type { Findings, OpenFinding } from './findings.ts';
import type { ReadData } from './pack-subset.ts';

/** What the parts of a check share. */
export interface CheckState {
  readonly access: RepositoryAccess;
  readonly pool: WorkerPool;
  readonly findings: Findings;
  /** Blobs of which at least one copy looks sound so far. */
  readonly sound: BlobIndex;
  /** Why a blob is not in `sound`. */
  readonly unsound: Map<string, OpenFinding>;
  readonly readData: ReadData;
  readonly signal?: AbortSignal | undefined;
  readonly progress: Progress;
  bytesRead: number;
}

export function blobKey(type: BlobType, id: BlobId): string {
  return `${type} ${id}`;
}
