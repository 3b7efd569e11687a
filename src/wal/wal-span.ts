import { isTablespaceCreate } from './resource-manager.ts';
import type { WalBlock } from './wal-block.ts';
import { WalReader } from './wal-reader.ts';
import type { WalRecord } from './wal-record.ts';

/** An unbroken piece of the log and the part of it that matters. */
export interface WalSpan {
  /** Position of the first byte of `pieces`: the start of a page, most often of a segment. */
  readonly startLsn: bigint;
  readonly pieces: Iterable<Uint8Array>;
  /** Records that begin at or after `from` and before `to` count. */
  readonly from: bigint;
  readonly to: bigint;
  readonly timeline?: number;
  readonly systemId?: string;
}

/**
 * Visits the records of a span, in order; the record is valid only during the visit.
 * @throws wal.invalid when the log does not reach `to`.
 */
export function visitRecords(span: WalSpan, visit: (record: WalRecord) => void): void {
  const { startLsn, timeline, systemId } = span;
  const reader = new WalReader({
    startLsn,
    ...(timeline === undefined ? {} : { timeline }),
    ...(systemId === undefined ? {} : { systemId }),
  });
  const from = Number(span.from);
  const to = Number(span.to);
  for (const piece of span.pieces) {
    reader.push(piece);
    for (let record = reader.next(); record !== undefined; record = reader.next()) {
      if (record.start >= to) return;
      if (record.start >= from) visit(record);
    }
    if (reader.ended) break;
  }
  reader.requireReached(span.to);
}

/**
 * Visits every block whose whole content replay of the span writes anew, from an image: what is damaged in
 * such a block of a base backup is repaired by starting it. The block is valid only during the visit.
 */
export function visitImages(span: WalSpan, visit: (block: WalBlock) => void): void {
  visitRecords(span, (record) => {
    for (let index = 0; index < record.blockCount; index++) {
      const block = record.blockAt(index);
      if (block.appliesImage) visit(block);
    }
  });
}

/** True when replay of the span would make a tablespace: a link to a path that may be a live server's. */
export function createsTablespace(span: WalSpan): boolean {
  let found = false;
  visitRecords(span, (record) => {
    found ||= isTablespaceCreate(record);
  });
  return found;
}
