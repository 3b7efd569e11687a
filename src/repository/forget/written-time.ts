import { parseGoTime } from '../format/go-time.ts';

/** A moment with the clock it was written by: restic puts a snapshot into the hour and day that its own text names. */
export interface WrittenTime {
  /** Nanoseconds since 1970. */
  readonly ns: bigint;
  /** What that clock showed then, as milliseconds since 1970 of a clock in UTC. */
  readonly wallMs: number;
  /** Seconds east of UTC of the clock at a moment. */
  readonly offsetAt: (ms: number) => number;
}

/** Undefined when `text` is no RFC 3339 time. A zone that is the local one at that moment is taken for it, as Go does. */
export function parseWrittenTime(text: string): WrittenTime | undefined {
  const ns = parseGoTime(text);
  if (ns === undefined) return undefined;
  const ms = Number(ns / 1_000_000n);
  const offset = offsetOf(text);
  const isLocal = !text.endsWith('Z') && localOffset(ms) === offset;
  const offsetAt = isLocal ? localOffset : () => offset;
  return { ns, wallMs: ms + offset * 1000, offsetAt };
}

function offsetOf(text: string): number {
  const match = /([+-])(\d{2}):(\d{2})(?::\d{2})?$/.exec(text);
  if (match === null) return 0;
  const seconds = Number(match[2]) * 3600 + Number(match[3]) * 60;
  return match[1] === '-' ? -seconds : seconds;
}

function localOffset(ms: number): number {
  return -new Date(ms).getTimezoneOffset() * 60;
}
