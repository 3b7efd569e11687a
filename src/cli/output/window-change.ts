import { formatDuration } from '../../core/index.ts';
import type { RecoveryWindow, WindowChange } from '../../sources/index.ts';
import { formatMoment } from '../moment.ts';
import type { Style } from './style.ts';

/** How what a source can be restored to changes when snapshots go. */
export function windowChangeText(change: WindowChange, isDone: boolean, style: Style): string {
  const { source, before, after } = change;
  const same = JSON.stringify(before) === JSON.stringify(after);
  const heading = style.bold(`${source} can be restored to`);
  if (same) return `${heading} what it could before: ${spans(before)}`;
  const lost = lengthOf(before) - lengthOf(after);
  const lines = [heading, `  before  ${spans(before)}`, `  after   ${spans(after)}`];
  if (lost > 0) {
    const verb = isDone ? 'goes' : 'would go';
    lines.push(style.yellow(`  ${formatDuration(lost)} of its recovery window ${verb}`));
  }
  return lines.join('\n');
}

function spans(windows: readonly RecoveryWindow[]): string {
  if (windows.length === 0) return 'nothing';
  return windows
    .map(({ from, to, fromLsn, toLsn }) =>
      fromLsn === toLsn
        ? `${formatMoment(from)} alone`
        : `${formatMoment(from)} .. ${formatMoment(to)}`,
    )
    .join(', ');
}

function lengthOf(windows: readonly RecoveryWindow[]): number {
  return windows.reduce((sum, { from, to }) => sum + (to.getTime() - from.getTime()), 0);
}
