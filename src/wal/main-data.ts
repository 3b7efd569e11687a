import { LifeboatError } from '../core/index.ts';
import { formatLsn } from './lsn.ts';
import type { WalRecord } from './wal-record.ts';

/** Reads a record's main data front to back. Never leaves it: a record that is too short is `wal.invalid`. */
export class MainData {
  readonly #record: WalRecord;
  #at: number;
  readonly #end: number;

  constructor(record: WalRecord) {
    this.#record = record;
    this.#at = record.mainOffset;
    this.#end = record.mainOffset + record.mainBytes;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  #take(length: number): number {
    if (length > this.#end - this.#at) throw malformed(this.#record);
    const at = this.#at;
    this.#at += length;
    return at;
  }

  skip(length: number): void {
    this.#take(length);
  }

  u8(): number {
    return this.#record.view.getUint8(this.#take(1));
  }

  u32(): number {
    return this.#record.view.getUint32(this.#take(4), true);
  }

  /** A timestamp: microseconds since 2000, as milliseconds since 1970 with a fraction. */
  timeMs(): number {
    const at = this.#take(8);
    const high = this.#record.view.getInt32(at + 4, true);
    const microseconds = high * 0x1_0000_0000 + this.#record.view.getUint32(at, true);
    return microseconds / 1000 + postgresEpochMs;
  }

  /** A count of items of `itemBytes` each that follow; they are known to be there. */
  count(itemBytes: number): number {
    const count = this.u32();
    if (count * itemBytes > this.left) throw malformed(this.#record);
    return count;
  }
}

const postgresEpochMs = Date.UTC(2000, 0, 1);

/** For a record whose checksum holds and whose content still is not what its kind promises. */
export function malformed(record: WalRecord): LifeboatError {
  const at = formatLsn(record.lsn);
  return new LifeboatError('wal.invalid', `the WAL record at ${at} is malformed`, {
    context: { at, resourceManager: record.resourceManager, info: record.info },
  });
}
