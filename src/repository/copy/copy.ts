import type { OperationOptions, Snapshot, SnapshotId } from '../repository.ts';

export interface CopyOptions extends OperationOptions {
  /** Which snapshots of the source; all when left out. Logs and records are always copied whole. */
  readonly select?: (snapshot: Snapshot) => boolean;
  /** Only counts. Nothing is written to either repository but the locks. */
  readonly dryRun?: boolean;
}

export interface CopiedSnapshot {
  /** In the repository it was copied from. */
  readonly source: SnapshotId;
  /** Its name at the destination; absent in a dry run. */
  readonly id?: SnapshotId;
  readonly time: Date;
  readonly hostname: string;
  readonly paths: readonly string[];
  readonly tags: readonly string[];
}

export interface CopyReport {
  readonly dryRun: boolean;
  readonly snapshots: readonly CopiedSnapshot[];
  /** How many were there already. */
  readonly snapshotsPresent: number;
  readonly blobs: number;
  /** Of these blobs, as stored at the source. */
  readonly blobBytes: number;
  /** Of new packs at the destination. */
  readonly bytesStored: number;
  readonly logSegments: number;
  readonly logBytes: number;
  readonly records: number;
  /** What could not be copied, and why. Not empty means exit code 3. */
  readonly problems: readonly string[];
}
