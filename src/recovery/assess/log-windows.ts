import { isLifeboatError, type Progress } from '../../core/index.ts';
import type { Repository } from '../../repository/index.ts';
import {
  type CatalogRecord,
  listReaches,
  type OpenScratchOptions,
  type Reach,
} from '../../sources/index.ts';
import { segmentStart, timelineStream } from '../../wal/index.ts';

/** One unbroken piece of a source's log, and the snapshots that lie in it. */
export interface LogWindow {
  readonly timeline: number;
  readonly systemId: string;
  readonly segmentSizeBytes: number;
  /** At the start of a segment. */
  readonly start: bigint;
  readonly end: bigint;
  /** True when log lies behind the end, beyond a hole. */
  readonly endsAtHole: boolean;
  /** The newest first. */
  readonly snapshots: readonly WindowSnapshot[];
  /** The timeline that a position belongs to. */
  timelineAt(position: bigint): number | undefined;
  /** The bytes are the caller's own. */
  read(start: bigint, end: bigint, signal?: AbortSignal): Promise<Uint8Array>;
}

export interface WindowSnapshot {
  readonly id: string;
  readonly startLsn: bigint;
  /** A recovery can stop here or later. */
  readonly stopLsn: bigint;
  readonly stopTime: string;
}

export interface LogRequest {
  readonly repository: Repository;
  readonly source: string;
  /** A spool of this host: it holds what the repository does not have yet. */
  readonly spool?: OpenScratchOptions['spool'];
  /** Maps of names besides those in the repository, as of the live server now. */
  readonly catalogs?: readonly CatalogRecord[];
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
}

/** The pieces of the log that a snapshot leads into, the newest first. Empty when there is no snapshot. */
export async function logWindows(request: LogRequest): Promise<readonly LogWindow[]> {
  const { repository, source, spool, signal, progress } = request;
  const reaches = await listReaches({
    repository,
    source,
    ...(spool ? { spool } : {}),
    ...(signal ? { signal } : {}),
    ...(progress ? { progress } : {}),
  }).catch((error: unknown) => {
    if (isLifeboatError(error, 'repository.snapshot-missing')) return [];
    throw error;
  });
  const groups = Map.groupBy(reaches, ({ timeline, end }) => `${timeline} ${end}`);
  const coverage = await repository.log(source).coverage(signal);
  return [...groups.values()].map((group) => {
    const oldest = group.reduce((a, b) => (a.backup.startLsn < b.backup.startLsn ? a : b));
    const { segmentSizeBytes, systemId } = oldest.backup.info;
    const begin = segmentStart(oldest.backup.startLsn, segmentSizeBytes);
    // The log may begin before the snapshot: transactions that ran while it was taken are whole only there.
    const span = coverage.find(
      (each) =>
        each.stream === timelineStream(oldest.backup.info.timeline) &&
        each.start <= begin &&
        begin < each.end,
    );
    const newest = group[0] as Reach;
    const logStart = span === undefined ? begin : segmentStart(span.start, segmentSizeBytes);
    return {
      timeline: newest.timeline,
      systemId,
      segmentSizeBytes,
      start: span !== undefined && span.start === logStart ? logStart : begin,
      end: newest.end,
      endsAtHole: newest.holdings.holdsBeyond(newest.path, newest.end),
      snapshots: group.map(({ backup }) => ({
        id: backup.snapshot.id,
        startLsn: backup.startLsn,
        stopLsn: backup.stopLsn,
        stopTime: backup.info.stopTime,
      })),
      timelineAt: (position) =>
        newest.path.find((each) => each.begin <= position && position < each.end)?.timeline,
      read: (start, end, stop) =>
        newest.holdings.readPath(newest.path, start, end, segmentSizeBytes, stop),
    };
  });
}

/** The snapshot from which a recovery to just before `target` starts. */
export function baseFor(window: LogWindow, target: bigint): WindowSnapshot | undefined {
  return window.snapshots.find((snapshot) => snapshot.stopLsn <= target);
}
