import type { WalRecord } from './wal-record.ts';

/** xl_rmid: who wrote a record. The same from 13 to 18; 128 and above belong to extensions. */
export const manager = {
  xlog: 0,
  transaction: 1,
  storage: 2,
  database: 4,
  tablespace: 5,
  relationMap: 7,
  standby: 8,
  heap2: 9,
  heap: 10,
  btree: 11,
  sequence: 15,
} as const;

/** The record ends its segment: the rest of it is empty. */
export function isSwitch(record: WalRecord): boolean {
  return record.resourceManager === manager.xlog && record.info === 0x40;
}

/** A tablespace is made: replay would make a symbolic link to (and a folder in) a path of the live server. */
export function isTablespaceCreate(record: WalRecord): boolean {
  return record.resourceManager === manager.tablespace && record.info === 0x00;
}

/** The record ends a transaction, or tells of one that goes on. */
export function isTransactionRecord(record: WalRecord): boolean {
  return record.resourceManager === manager.transaction;
}
