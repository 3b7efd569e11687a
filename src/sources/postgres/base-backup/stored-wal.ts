import { LifeboatError } from '../../../core/index.ts';
import { formatLsn, parseSegmentName, segmentName, segmentStart } from '../../../wal/index.ts';
import type { BackupBounds } from './base-backup-stream.ts';

/** XLogLongPageHeaderData: u64 page address at 8, u64 system identifier at 24, u32 segment size at 32. */
const longHeaderBytes = 40;

/** Watches the WAL files of a backup go by: which segments are whole, and that they are this cluster's. */
export class StoredWal {
  readonly #segmentSizeBytes: number;
  readonly #systemId: string;
  /** Start of each whole segment. */
  readonly #segments = new Set<bigint>();
  readonly #histories = new Set<number>();

  constructor(segmentSizeBytes: number, systemId: string) {
    this.#segmentSizeBytes = segmentSizeBytes;
    this.#systemId = systemId;
  }

  /** A file of pg_wal: its name, size and first bytes (40 or all). */
  add(name: string, sizeBytes: number, head: Uint8Array): void {
    const history = /^([0-9A-F]{8})\.history$/.exec(name);
    if (history && sizeBytes > 0) this.#histories.add(Number.parseInt(history[1] as string, 16));
    const position = parseSegmentName(name, this.#segmentSizeBytes);
    if (!position || sizeBytes !== this.#segmentSizeBytes || head.length < longHeaderBytes) return;
    const view = new DataView(head.buffer, head.byteOffset, head.length);
    const whole =
      view.getBigUint64(8, true) === position.start &&
      view.getBigUint64(24, true).toString() === this.#systemId &&
      view.getUint32(32, true) === this.#segmentSizeBytes;
    if (whole) this.#segments.add(position.start);
  }

  hasHistory(timeline: number): boolean {
    return this.#histories.has(timeline);
  }

  /** Throws `backup.incomplete` unless every segment from `start` to `stop` went by whole. */
  requireWhole(start: BackupBounds, stop: BackupBounds): void {
    const size = this.#segmentSizeBytes;
    // `stop` is the end of a record: a segment that only begins there is not needed.
    for (let at: bigint = segmentStart(start.lsn, size); at < stop.lsn; at += BigInt(size)) {
      if (this.#segments.has(at)) continue;
      const name = segmentName(stop.timeline, at, size);
      throw new LifeboatError(
        'backup.incomplete',
        `the server did not send WAL segment ${name}, which this backup needs (${formatLsn(start.lsn)} to ${formatLsn(stop.lsn)})`,
        {
          hint: 'Nothing was published. Run the backup again; a larger wal_keep_size, or a free replication slot, keeps WAL for as long as the backup takes.',
          context: { segment: name },
          retryable: true,
        },
      );
    }
  }
}
