// repository: restic format 2, with Lifeboat's logs and records nested beside it.

export { type BlobQuery, blobsByPrefix } from './browse/blobs-by-prefix.ts';
export { chooseSnapshot, type SnapshotChoice } from './browse/choose-snapshot.ts';
export {
  type Change,
  type ChangeKind,
  type DiffStatistics,
  diffTrees,
} from './browse/diff-snapshots.ts';
export { matching, NodeFinder, referringTo } from './browse/find-nodes.ts';
export { parseGlob } from './browse/glob.ts';
export type { ShownKind, ShownPack } from './browse/show-file.ts';
export type { BlobTotals } from './browse/size-of-blobs.ts';
export { matchesFilter, type SnapshotFilter } from './browse/snapshot-filter.ts';
export { type SnapshotStatistics, snapshotStatistics } from './browse/snapshot-statistics.ts';
export { type WalkedNode, walkTree } from './browse/walk-tree.ts';
export { leftoversOfStockTools } from './check/check-leftovers.ts';
export type { CheckOptions } from './check/check-repository.ts';
export type { ReadData } from './check/pack-subset.ts';
export { uncopied } from './copy/copied-snapshot.ts';
export type { CopiedSnapshot, CopyOptions, CopyReport } from './copy/copy.ts';
export { isDamage } from './damage.ts';
export { type ForgetDecision, isCheckpoint, isFlagged } from './forget/decide.ts';
export { describeGroup } from './forget/describe-group.ts';
export type { ForgetOptions, ForgetPlan, ForgetReport } from './forget/forget.ts';
export {
  type GroupField,
  groupFields,
  groupSnapshots,
  sourceOf,
} from './forget/group-snapshots.ts';
export { type ForgetGroup, planByPolicy } from './forget/plan-by-policy.ts';
export { parseRetentionDuration, type RetentionDuration } from './forget/retention-duration.ts';
export { defaultMinimum, type KeepCount, type RetentionPolicy } from './forget/retention-policy.ts';
export { checkpointTag, flaggedTag, incompleteTag, isMark } from './forget/special-tags.ts';

export { nameBytes, nameFromBytes } from './format/raw-name.ts';
export { type FileContents, fileContents } from './format/tree-contents.ts';
export { type InitRepositoryOptions, initRepository } from './init-repository.ts';
export type { KeyInfo, NewKeyOptions, RepositoryKeys } from './keys/keys.ts';
export { DryRunLocation, type DryRunStep } from './location/dry-run-location.ts';
export { LocalLocation } from './location/local-location.ts';
export type { ByteRange, FileInfo, FileKind, Location } from './location/location.ts';
export type { LocationAbilities } from './location/location-abilities.ts';
export type { LocationOptions } from './location/location-options.ts';
export { MemoryLocation } from './location/memory-location.ts';
export { openLocation } from './location/open-location.ts';
export type { RetryNotice } from './location/retry-pauses.ts';
export { burstsOf, type ChangeBurst, type StoredHistory } from './location/stored-history.ts';
export type { ListedLock } from './lock/unlock.ts';
export type { Log, LogSpan } from './log/log.ts';
export { type OpenRepositoryOptions, openRepository } from './open-repository.ts';
export { programVersion } from './program-version.ts';
export type { LogsNeeded, PruneOptions, PruneReport } from './prune/prune-options.ts';
export type { BlobOutcome, BlobReader } from './read/blob-reader.ts';
export type { ReaderOptions, ReaderThreads } from './read/reader-threads.ts';
export { canonicalJson } from './record/canonical-json.ts';
export type { LifeboatRecord, RecordStore, RecordWriter } from './record/record.ts';
export {
  signatureBytes,
  verifySignature,
  type WriterIdentity,
  writerIn,
} from './record/writer-identity.ts';
export type { RepairIndexOptions, RepairIndexReport } from './repair/repair-index.ts';
export type { RepairedPack, RepairPacksOptions } from './repair/repair-packs.ts';
export type { RepairedSnapshot, RepairSnapshotsOptions } from './repair/repair-snapshots.ts';
export type { Loss } from './repair/repair-tree.ts';
export type {
  BackupWriter,
  BlobId,
  BlobType,
  ChangeCounts,
  CheckFinding,
  CheckReport,
  ExtendedAttribute,
  NewSnapshot,
  OperationOptions,
  ReadContentOptions,
  Repository,
  SavedBlob,
  Snapshot,
  SnapshotId,
  SnapshotSummary,
  TreeNode,
  WriterTotals,
} from './repository.ts';
export type { TagOptions, TagReport } from './tag/tag-snapshots.ts';
