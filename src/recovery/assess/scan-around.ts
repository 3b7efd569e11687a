import { isLifeboatError, type LifeboatError, type Progress } from '../../core/index.ts';
import { formatLsn } from '../../wal/index.ts';
import type { LogWindow } from './log-windows.ts';
import { pieceBytes, scanLog } from './scan-log.ts';
import type { ScanResult, ScanSetup } from './scan-message.ts';

export interface ScannedStretch {
  readonly start: bigint;
  readonly end: bigint;
  readonly result: ScanResult;
  /** What lies before it could not be read: its transactions may have done more than was seen. */
  readonly isBehindDamage: boolean;
}

/**
 * As `scanLog`, but a piece of the log whose bytes are lost does not hide the others: it is left out and told. When none is left its error
 * is thrown.
 */
export async function scanAround(
  window: LogWindow,
  range: { readonly start: bigint; readonly end: bigint },
  what: Pick<ScanSetup, 'index'>,
  options: { readonly signal?: AbortSignal; readonly progress: Progress; readonly title: string },
): Promise<{ readonly stretches: readonly ScannedStretch[]; readonly lost: readonly string[] }> {
  const stretches: ScannedStretch[] = [];
  const lost: string[] = [];
  let damage: LifeboatError | undefined;
  let at = range.start;
  const watched: LogWindow = {
    ...window,
    read: (start, end, signal) => {
      at = start;
      return window.read(start, end, signal);
    },
  };
  const scan = async (start: bigint, end: bigint) => {
    const result = await scanLog(watched, { start, end }, what, options);
    stretches.push({ start, end, result, isBehindDamage: start > range.start });
  };
  for (let start = range.start; start < range.end; ) {
    try {
      await scan(start, range.end);
      break;
    } catch (error) {
      if (!isLifeboatError(error, 'repository.damaged', 'location.file-missing')) throw error;
      damage = error;
      const from = at;
      const behind = nextSegment(from, window.segmentSizeBytes, range.end);
      lost.push(`${formatLsn(from)} to ${formatLsn(behind)}: ${error.message}`);
      if (from > start) await scan(start, from);
      start = behind;
    }
  }
  if (damage !== undefined && stretches.length === 0) throw damage;
  return { stretches, lost };
}

/** Reading goes on at the start of a segment only. */
function nextSegment(position: bigint, segmentSizeBytes: number, end: bigint): bigint {
  const size = BigInt(segmentSizeBytes);
  const behind = position + BigInt(Math.max(pieceBytes, segmentSizeBytes));
  const next = behind - (behind % size);
  return next < end ? next : end;
}
