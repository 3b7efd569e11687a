// wal: PostgreSQL's write-ahead log as facts. Pure: bytes in, facts out.
export type { CatalogFile } from './catalog-files.ts';
export { ChangedBlocks } from './changed-blocks.ts';
export type { CommittedTransaction } from './committed-transaction.ts';
export { crc32c } from './crc32c.ts';
export { crc32cOfParts } from './crc32c-part.ts';
export { collectDeletedTuples, DeletedTuples, type TouchedTuples } from './deleted-tuples.ts';
export { findSuspects } from './find-suspects.ts';
export {
  formatLsn,
  type Lsn,
  lsn,
  parseLsn,
  parseSegmentName,
  type SegmentPosition,
  segmentName,
  segmentStart,
  timelineStream,
} from './lsn.ts';
export type { RelationDirectory, RelationFacts, RelationKind } from './relation-directory.ts';
export { firstUserOid, type RelationId, relationKey } from './relation-id.ts';
export type { RelationTotal } from './relation-totals.ts';
export { isTablespaceCreate, isTransactionRecord } from './resource-manager.ts';
export { type RestorePoint, readRestorePoint } from './restore-point.ts';
export {
  type CountedMoment,
  type FileChange,
  type FileRows,
  RowTally,
  type RowTallyOptions,
  type RowTallyResult,
} from './row-tally.ts';
export {
  defaultThresholds,
  type Suspect,
  type SuspectKind,
  type SuspectSeverity,
  type SuspectTable,
  type SuspectThresholds,
} from './suspect.ts';
export { TransactionIndex, type TransactionIndexOptions } from './transaction-index.ts';
export { readTransactionEnd, type TransactionEnd } from './transaction-record.ts';
export type { RelationChanges } from './transaction-state.ts';
export type { TupleList } from './tuple-list.ts';
export { type ImageCompression, WalBlock } from './wal-block.ts';
export { type WalEnd, WalReader, type WalReaderOptions } from './wal-reader.ts';
export { WalRecord } from './wal-record.ts';
export { createsTablespace, visitImages, visitRecords, type WalSpan } from './wal-span.ts';
export { isOlderXid } from './xid.ts';
