import { segmentStart, WalReader, type WalRecord } from '../../../wal/index.ts';
import type { TimelinePath } from './timeline-path.ts';
import type { WalHoldings } from './wal-holdings.ts';

const transactionManager = 1;
/** The bits of xl_info that name the operation; COMMIT, and COMMIT PREPARED. */
const operationMask = 0x70;
const commits: readonly number[] = [0x00, 0x30];
/** Microseconds between 1970 and 2000, where PostgreSQL's time begins. */
const epochUs = 946_684_800_000_000n;
/** How far to read into the next segment for a record that begins in this one. */
const overlapBytes = 65_536n;

export interface WalTail {
  /** Where the last whole record begins; undefined when there is none. */
  readonly lastRecord: bigint | undefined;
  /** When the latest commit of what was looked at happened, in milliseconds (with a fraction) since 1970. */
  readonly lastCommitMs: number | undefined;
}

/** The WAL to look at, up to `end`. */
export interface WalRange {
  readonly holdings: WalHoldings;
  readonly path: TimelinePath;
  readonly end: bigint;
  readonly backup: { readonly info: { readonly segmentSizeBytes: number } };
}

/**
 * Looks at the end of the log, segment by segment backwards, until it has seen a whole record and, if
 * `needsCommit`, a commit. Never looks before the segment of `from`. Torn bytes at the very end do not count as records.
 */
export async function readWalTail(
  range: WalRange,
  from: bigint,
  needsCommit: boolean,
  signal?: AbortSignal,
): Promise<WalTail> {
  const { holdings, path, end } = range;
  const { segmentSizeBytes } = range.backup.info;
  let lastRecord: bigint | undefined;
  let lastCommitMs: number | undefined;
  let stop = end;
  while (stop > from && (lastRecord === undefined || (needsCommit && lastCommitMs === undefined))) {
    const start = segmentStart(stop - 1n, segmentSizeBytes);
    const until = stop + overlapBytes < end ? stop + overlapBytes : end;
    const bytes = await holdings.readPath(path, start, until, segmentSizeBytes, signal);
    const reader = new WalReader({ startLsn: start, segmentSizeBytes });
    let last = -1;
    for (const record of reader.read(bytes)) {
      last = record.start;
      lastCommitMs = later(lastCommitMs, commitTimeMs(record));
    }
    if (last >= 0) lastRecord ??= BigInt(last);
    stop = start;
  }
  return { lastRecord, lastCommitMs };
}

function later(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || (b !== undefined && b > a) ? b : a;
}

/** When a COMMIT happened; undefined for any other record. */
function commitTimeMs(record: WalRecord): number | undefined {
  if (record.resourceManager !== transactionManager || record.mainBytes < 8) return undefined;
  if (!commits.includes(record.info & operationMask)) return undefined;
  return Number(record.view.getBigInt64(record.mainOffset, true) + epochUs) / 1000;
}
