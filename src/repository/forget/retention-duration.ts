import { LifeboatError } from '../../core/index.ts';
import type { WrittenTime } from './written-time.ts';

/** A span of the calendar, restic's `1y5m7d2h`: years, months, days, hours. */
export interface RetentionDuration {
  readonly years: number;
  readonly months: number;
  readonly days: number;
  readonly hours: number;
}

const units = { y: 'years', m: 'months', d: 'days', h: 'hours' } as const;

/** `2y5m7d3h`, each part at most once. Errors: `usage.invalid`. */
export function parseRetentionDuration(text: string): RetentionDuration {
  const duration = { years: 0, months: 0, days: 0, hours: 0 };
  const parts = [...text.matchAll(/(\d{1,6})([ymdh])/g)];
  const names = parts.map(([, , unit]) => unit as keyof typeof units);
  const isWhole = parts.map(([part]) => part).join('') === text && text !== '';
  if (!isWhole || new Set(names).size !== names.length) {
    throw new LifeboatError('usage.invalid', `${JSON.stringify(text)} is no span of time`, {
      hint: 'Write years, months, days and hours as in 2y5m7d3h, or only some of them: 14d.',
    });
  }
  for (const [, count, unit] of parts) {
    duration[units[unit as keyof typeof units]] = Number(count);
  }
  return duration;
}

export function isZeroDuration(duration: RetentionDuration): boolean {
  return Object.values(duration).every((part) => part === 0);
}

export function formatRetentionDuration(duration: RetentionDuration): string {
  const text = Object.entries(units)
    .filter(([, name]) => duration[name] !== 0)
    .map(([unit, name]) => `${duration[name]}${unit}`)
    .join('');
  return text === '' ? '0h' : text;
}

/** The moment so long before `time`, in nanoseconds, counted on the calendar of the clock that wrote it. */
export function before(
  time: WrittenTime,
  { years, months, days, hours }: RetentionDuration,
): bigint {
  const wall = new Date(time.wallMs);
  // Day 31 of a month that has 30 days becomes day 1 of the next, as in Go.
  wall.setUTCFullYear(
    wall.getUTCFullYear() - years,
    wall.getUTCMonth() - months,
    wall.getUTCDate() - days,
  );
  const wallMs = wall.getTime();
  // The offset is that of the moment which the offset at `wallMs` leads to: Go's choice where clocks were changed.
  const guess = wallMs - time.offsetAt(wallMs) * 1000;
  const ms = wallMs - time.offsetAt(guess) * 1000 - hours * 3_600_000;
  const belowMs = time.ns - BigInt(Math.floor(Number(time.ns / 1_000_000n))) * 1_000_000n;
  return BigInt(ms) * 1_000_000n + belowMs;
}
