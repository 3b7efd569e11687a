import { MainData } from './main-data.ts';
import { manager } from './resource-manager.ts';
import type { WalRecord } from './wal-record.ts';

/** What pg_create_restore_point() left in the log (xl_restore_point). */
export interface RestorePoint {
  readonly name: string;
  readonly timeMs: number;
}

const restorePointInfo = 0x70;

/** Undefined when the record is none. */
export function readRestorePoint(record: WalRecord): RestorePoint | undefined {
  if (record.resourceManager !== manager.xlog || record.info !== restorePointInfo) return undefined;
  const timeMs = new MainData(record).timeMs();
  // A text of up to 63 bytes that a zero ends.
  const bytes = record.mainData().subarray(8);
  const end = bytes.indexOf(0);
  const name = new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
  return { name, timeMs };
}
