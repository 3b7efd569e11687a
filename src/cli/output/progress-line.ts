import { formatBytes, formatCount, formatDuration } from '../../core/index.ts';
import { printable } from './printable.ts';
import type { TrackedTask } from './progress-tracker.ts';
import type { Style } from './style.ts';

/** `base backup  42%  1.2 GiB of 2.9 GiB  310 MiB/s  6 s left  base/5/16384`. */
export function progressLine(task: TrackedTask, style: Style): string {
  // Titles name files and tables: a line stays one line.
  const parts = [printable(task.title)];
  if (task.done !== undefined && task.unit !== undefined) {
    const amount = (value: number) => formatAmount(value, task.unit as string);
    if (task.total !== undefined && task.total > 0) {
      parts.push(`${Math.min(100, Math.floor((task.done / task.total) * 100))}%`);
      parts.push(`${amount(task.done)} of ${amount(task.total)}`);
    } else {
      parts.push(amount(task.done));
    }
    if (task.rate) parts.push(`${amount(Math.round(task.rate))}/s`);
    if (task.remainingMs !== undefined) parts.push(`${formatDuration(task.remainingMs)} left`);
  }
  if (task.detail) parts.push(style.dim(printable(task.detail)));
  return parts.join('  ');
}

function formatAmount(value: number, unit: string): string {
  return unit === 'bytes' ? formatBytes(value) : `${formatCount(value)} ${unit}`;
}
