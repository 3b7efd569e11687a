import { LifeboatError } from '../../../core/index.ts';
import type { Log } from '../../../repository/index.ts';
import { type Lsn, lsn, parseLsn } from '../../../wal/index.ts';

/** One timeline of a path: it owns the positions from `begin` (inclusive) to `end` (exclusive). */
export interface TimelineSpan {
  readonly timeline: number;
  readonly begin: Lsn;
  readonly end: Lsn;
}

/** From the first timeline to the last, without holes. */
export type TimelinePath = readonly TimelineSpan[];

const forever = lsn(0xffff_ffff_ffff_ffffn);
const historyLimitBytes = 1024 * 1024;

export function historyName(timeline: number): string {
  return `${timeline.toString(16).toUpperCase().padStart(8, '0')}.history`;
}

/** The path that ends on `timeline`, out of its history file; timeline 1 has none. Undefined: no such file. */
export async function readTimelinePath(
  log: Pick<Log, 'readFile'>,
  timeline: number,
): Promise<TimelinePath | undefined> {
  if (timeline === 1) return [{ timeline, begin: lsn(0n), end: forever }];
  const bytes = await log.readFile(historyName(timeline));
  if (bytes === undefined) return undefined;
  return parseHistory(new TextDecoder().decode(bytes.subarray(0, historyLimitBytes)), timeline);
}

/** Lines of parent timeline, switch position and a reason; anything after `#` is a comment. */
export function parseHistory(text: string, timeline: number): TimelinePath {
  const path: TimelineSpan[] = [];
  let begin = lsn(0n);
  for (const line of text.split('\n')) {
    const content = line.replace(/#.*/, '').trim();
    if (content === '') continue;
    const match = /^(\d{1,10})\s+([0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8})/.exec(content);
    const parent = Number(match?.[1]);
    const end = match ? parseLsn(match[2] as string) : begin;
    if (!match || parent >= timeline || parent <= (path.at(-1)?.timeline ?? 0) || end < begin) {
      throw new LifeboatError('wal.invalid', `the history of timeline ${timeline} does not parse`, {
        context: { line: content.slice(0, 200) },
      });
    }
    path.push({ timeline: parent, begin, end });
    begin = end;
  }
  path.push({ timeline, begin, end: forever });
  return path;
}

/** True when data of `timeline` as of `position` is part of the path. */
export function pathPasses(path: TimelinePath, timeline: number, position: bigint): boolean {
  return path.some((span) => span.timeline === timeline && position <= span.end);
}

/** The timeline whose file name PostgreSQL asks for first when it wants the segment that ends at `segmentEnd`. */
export function timelineOfSegment(path: TimelinePath, segmentEnd: bigint): number {
  const span = path.findLast(({ begin }) => begin < segmentEnd) ?? path[0];
  return (span as TimelineSpan).timeline;
}

/** The timeline that owns a position. */
export function timelineAt(path: TimelinePath, position: bigint): number {
  const span = path.find(({ end }) => position < end) ?? path.at(-1);
  return (span as TimelineSpan).timeline;
}
