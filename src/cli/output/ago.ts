import { formatDuration } from '../../core/index.ts';

/** `2h 5m ago`. */
export function ago(time: Date, now: Date): string {
  return `${formatDuration(Math.max(0, now.getTime() - time.getTime()))} ago`;
}
