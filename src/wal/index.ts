// wal: PostgreSQL's write-ahead log as facts. Pure: bytes in, facts out.
export { crc32c } from './crc32c.ts';
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
export { isTablespaceCreate } from './resource-manager.ts';
export { type ImageCompression, WalBlock } from './wal-block.ts';
export { type WalEnd, WalReader, type WalReaderOptions } from './wal-reader.ts';
export { WalRecord } from './wal-record.ts';
export { createsTablespace, visitImages, visitRecords, type WalSpan } from './wal-span.ts';
