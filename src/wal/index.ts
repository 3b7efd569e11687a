// wal: PostgreSQL's write-ahead log as facts. Pure: bytes in, facts out.
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
