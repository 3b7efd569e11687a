import { LifeboatError } from '../../../core/index.ts';
import { formatLsn } from '../../../wal/index.ts';
import { furthestReaches, isReached, type KnownLog, type Reach, reachAlong } from './reaches.ts';
import { type PlainTarget, stopWithin } from './stop-within.ts';
import { pathPasses, type TimelinePath } from './timeline-path.ts';

/** The timeline that a recovery follows, and those that it leaves aside. */
export interface TimelineLine {
  readonly timeline: number;
  /** Of the snapshots on its history, the newest first; at least one. */
  readonly reaches: readonly Reach[];
  /** Along every other branch, the newest timeline first. */
  readonly lost: readonly Reach[];
}

/**
 * `wanted`, or the newest timeline that a snapshot and the log after it lead to, as the server's own `latest`. Other
 * branches are reached only by naming them. Errors: `target.outside-window`.
 */
export function chooseTimeline(known: KnownLog, wanted: number | undefined): TimelineLine {
  const furthest = furthestReaches(known);
  const newest = furthest.toSorted((a, b) => b.timeline - a.timeline)[0] as Reach;
  const timeline = wanted ?? newest.timeline;
  const path =
    wanted === undefined ? newest.path : known.paths.find((each) => endOf(each) === wanted);
  const reaches = path ? reachesAlong(known, path) : [];
  if (path === undefined || !reaches.some(isReached)) throw unknownTimeline(known, timeline);
  const lost = known.paths
    .filter((each) => endOf(each) !== timeline)
    .flatMap((each) => reachesAlong(known, each).filter(isReached));
  return { timeline, reaches, lost };
}

/** The error for a target that lies on another timeline than the one that is followed; undefined when it lies on none. */
export async function elsewhere(
  line: TimelineLine,
  target: PlainTarget,
  signal: AbortSignal | undefined,
): Promise<LifeboatError | undefined> {
  if (target.kind !== 'lsn' && target.kind !== 'time') return undefined;
  for (const reach of line.lost) {
    const found = await stopWithin(reach, target, signal).catch(() => undefined);
    if (!found) continue;
    const what =
      target.kind === 'lsn'
        ? `the position ${formatLsn(target.lsn)}`
        : `the time ${target.time.toISOString()}`;
    return onLostTimeline(line, reach, what);
  }
  return undefined;
}

/** A timeline that the source left behind is never chosen silently. */
export function onLostTimeline(line: TimelineLine, reach: Reach, what: string): LifeboatError {
  const followed = (line.reaches[0] as Reach).path;
  const left = followed.find(({ timeline }) => timeline === reach.timeline);
  const fork = left ?? forkOf(followed, reach.path);
  const where = fork === undefined ? '' : ` at ${formatLsn(fork.end)}`;
  return new LifeboatError(
    'target.outside-window',
    `${what} lies on timeline ${reach.timeline}, which is no part of timeline ${line.timeline} that the source follows: they part${where}`,
    {
      hint: `If that branch is meant, name it: --timeline ${reach.timeline}.`,
      context: { timeline: reach.timeline, followed: line.timeline },
    },
  );
}

/** The last timeline that both have in common, as far as they do. */
function forkOf(a: TimelinePath, b: TimelinePath): TimelinePath[number] | undefined {
  const common = a.filter((span) => b.some(({ timeline }) => timeline === span.timeline)).at(-1);
  const other = b.find(({ timeline }) => timeline === common?.timeline);
  return common && other && other.end < common.end ? other : common;
}

/** Of every snapshot that lies on the path. */
export function reachesAlong(known: KnownLog, path: TimelinePath): readonly Reach[] {
  return known.backups
    .filter(({ info, stopLsn }) => pathPasses(path, info.timeline, stopLsn))
    .map((backup) => reachAlong(known, backup, path));
}

function endOf(path: TimelinePath): number {
  return (path.at(-1) as TimelinePath[number]).timeline;
}

function unknownTimeline(known: KnownLog, timeline: number): LifeboatError {
  const reachable = known.paths
    .filter((path) => reachesAlong(known, path).some(isReached))
    .map(endOf)
    .toSorted((a, b) => a - b);
  return new LifeboatError(
    'target.outside-window',
    `no snapshot and log lead to timeline ${timeline}`,
    {
      hint: `What is stored leads to timeline ${reachable.join(', ')}.`,
      context: { timeline, reachable: reachable.map(String) },
    },
  );
}
