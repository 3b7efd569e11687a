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
