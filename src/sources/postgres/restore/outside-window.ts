import { LifeboatError } from '../../../core/index.ts';
import { formatLsn, segmentName } from '../../../wal/index.ts';
import type { RecoveryTarget } from '../backup-info.ts';
import type { Reach } from './reaches.ts';
import { timelineAt } from './timeline-path.ts';
import { readWalTail } from './wal-tail.ts';

/** The error for a moment that no snapshot and log lead to: it names the nearest moments that are possible. */
export async function outsideWindow(
  reaches: readonly Reach[],
  target: RecoveryTarget,
  signal?: AbortSignal,
): Promise<LifeboatError> {
  const { asked, before, after } =
    target.kind === 'lsn'
      ? nearestPositions(reaches, target.lsn)
      : target.kind === 'time'
        ? await nearestTimes(reaches, target.time, signal)
        : { asked: target.kind, before: undefined, after: undefined };
  const possible = [
    ...(before === undefined ? [] : [`the last moment before it is ${before.moment}`]),
    ...(after === undefined ? [] : [`the first one after it is ${after}`]),
  ];
  const hole = before?.hole === undefined ? '' : `, because the log lacks segment ${before.hole}`;
  const latest = before && !after && before.hole === undefined;
  return new LifeboatError(
    'target.outside-window',
    `${asked} cannot be recovered${hole}: ${possible.join(', ') || 'the log does not reach it'}`,
    {
      hint: latest
        ? 'Choose "latest" to get everything that was stored, or one of these moments.'
        : 'Choose one of these moments; "lifeboat points" shows all recovery windows.',
      context: {
        ...(before ? { before: before.moment } : {}),
        ...(before?.hole ? { missingSegment: before.hole } : {}),
        ...(after ? { after } : {}),
      },
    },
  );
}

interface Nearest {
  readonly asked: string;
  readonly before: { readonly moment: string; readonly hole: string | undefined } | undefined;
  readonly after: string | undefined;
}

function nearestPositions(reaches: readonly Reach[], position: bigint): Nearest {
  const before = reaches
    .filter(({ end }) => end < position)
    .toSorted((a, b) => (a.end > b.end ? -1 : 1))[0];
  const after = reaches
    .map(({ backup }) => backup.stopLsn)
    .filter((stop) => stop > position)
    .toSorted((a, b) => (a < b ? -1 : 1))[0];
  return {
    asked: `the position ${formatLsn(position)}`,
    before: before && { moment: formatLsn(before.end), hole: holeOf(before) },
    after: after === undefined ? undefined : formatLsn(after),
  };
}

async function nearestTimes(
  reaches: readonly Reach[],
  time: Date,
  signal?: AbortSignal,
): Promise<Nearest> {
  const timeMs = time.getTime();
  const stopTimes = reaches.map(({ backup }) => Date.parse(backup.info.stopTime));
  const afterMs = Math.min(...stopTimes.filter((stop) => stop > timeMs));
  const reach = reaches.find((_, index) => (stopTimes[index] as number) <= timeMs);
  const tail = reach && (await readWalTail(reach, reach.backup.startLsn, true, signal));
  const lastMs = tail?.lastCommitMs;
  const stop = reach && Date.parse(reach.backup.info.stopTime);
  const beforeMs = lastMs === undefined ? stop : Math.max(lastMs, stop ?? 0);
  return {
    asked: `the time ${time.toISOString()}`,
    before:
      reach && beforeMs !== undefined
        ? { moment: new Date(Math.ceil(beforeMs)).toISOString(), hole: holeOf(reach) }
        : undefined,
    after: Number.isFinite(afterMs) ? new Date(afterMs).toISOString() : undefined,
  };
}

/** The first missing segment, when there is more of the log behind it. */
function holeOf({ holdings, path, end, backup }: Reach): string | undefined {
  if (!holdings.holdsBeyond(path, end)) return undefined;
  return segmentName(timelineAt(path, end), end, backup.info.segmentSizeBytes);
}
