import { formatBytes, formatCount, formatDuration } from '../../../core/index.ts';
import { type Drift, tableNameOf } from './drift.ts';

/** In one line, with figures and times; `time` writes a moment as the reader wants it. */
export function describeDrift(drift: Drift, time: (moment: Date) => string): string {
  const { kind, from, to } = drift;
  const name = tableNameOf(drift);
  const between = `between ${time(new Date(drift.fromTime))} and ${time(new Date(drift.toTime))}`;
  switch (kind) {
    case 'gone':
      return `${name} went, with ${formatCount(from)} rows, ${between}`;
    case 'rows':
      return `${name} fell from ${formatCount(from)} to ${formatCount(to)} rows ${between}`;
    case 'size':
      return `${name} fell from ${formatBytes(from)} to ${formatBytes(to)} ${between}`;
    case 'stale':
      return `${name}: the newest ${drift.column ?? 'row'} is ${formatDuration(to)} old, it never was older than ${formatDuration(from)} (seen ${time(new Date(drift.toTime))})`;
    case 'deletions':
      return `${name}: ${formatCount(to)} rows deleted an hour, never more than ${formatCount(from)} before, ${between}`;
  }
}
