import type { Period } from './retention-policy.ts';
import type { WrittenTime } from './written-time.ts';

/** The hour, day, ISO week, month or year in which a snapshot was made, by the clock that wrote it. */
export function bucketOf({ wallMs }: WrittenTime, period: Period): string {
  const text = new Date(wallMs).toISOString();
  switch (period) {
    case 'hourly':
      return `${text.slice(0, 10)} ${text.slice(11, 13)}h`;
    case 'daily':
      return text.slice(0, 10);
    case 'weekly':
      return isoWeek(wallMs);
    case 'monthly':
      return text.slice(0, 7);
    case 'yearly':
      return text.slice(0, 4);
  }
}

const dayMs = 86_400_000;

/** A week belongs to the year that its Thursday lies in. */
function isoWeek(wallMs: number): string {
  const day = Math.floor(wallMs / dayMs);
  const daysSinceMonday = (((day + 3) % 7) + 7) % 7;
  const thursday = new Date((day - daysSinceMonday + 3) * dayMs);
  const year = thursday.getUTCFullYear();
  const first = new Date(0);
  first.setUTCFullYear(year, 0, 1);
  const week = Math.floor((thursday.getTime() - first.getTime()) / dayMs / 7) + 1;
  return `${year}-W${String(week).padStart(2, '0')}`;
}
