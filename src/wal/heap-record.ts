import { malformed } from './main-data.ts';
import type { WalBlock } from './wal-block.ts';
import type { WalRecord } from './wal-record.ts';

/** info & 0x70 of heap records; the bit 0x80 says that the page was initialized. */
export const heapOperation = {
  insert: 0x00,
  delete: 0x10,
  update: 0x20,
  truncate: 0x30,
  hotUpdate: 0x40,
} as const;

export const heap2MultiInsert = 0x50;

/** flags of a DELETE. */
export const deleteFlag = { speculative: 8, partitionMove: 16 } as const;

/** Offset number of the inserted, deleted or (new) updated row. */
export function insertedOffset(record: WalRecord): number {
  return u16(record, 0);
}

export function deletedOffset(record: WalRecord): number {
  return u16(record, 4);
}

export function deleteFlags(record: WalRecord): number {
  return u8(record, 7);
}

/**
 * The block that held the old version. Block 1 is the old page when the new version (block 0, `newBlock`)
 * went to another one; later releases give ids from 1 on other uses too, in other forks.
 */
export function updatedOldBlock(record: WalRecord, newBlock: WalBlock): number {
  const old = record.block(1);
  return old !== undefined && old.fork === 0 ? old.blockNumber : newBlock.blockNumber;
}

export function updatedOldOffset(record: WalRecord): number {
  return u16(record, 4);
}

export function updatedNewOffset(record: WalRecord): number {
  return u16(record, 12);
}

export function multiInsertCount(record: WalRecord): number {
  return u16(record, 2);
}

/** Offset number of the `index`-th row of a multi-insert. */
export function multiInsertOffset(record: WalRecord, index: number): number {
  // On a new page the rows are numbered from 1 and the record does not list them.
  return record.info & 0x80 ? index + 1 : u16(record, 4 + index * 2);
}

function u8(record: WalRecord, at: number): number {
  if (at >= record.mainBytes) throw malformed(record);
  return record.view.getUint8(record.mainOffset + at);
}

function u16(record: WalRecord, at: number): number {
  if (at + 2 > record.mainBytes) throw malformed(record);
  return record.view.getUint16(record.mainOffset + at, true);
}

/** A tuple id as one number: exact, and ordered as PostgreSQL orders tids. */
export function packTid(blockNumber: number, offset: number): number {
  return blockNumber * 0x1_0000 + offset;
}
