import { describeSlowdown, type PerformanceComparison } from '../../recovery/index.ts';
import { countOf } from './count.ts';
import { printable } from './printable.ts';
import type { Style } from './style.ts';

/** What is slower than usual; what could not be compared. */
export function describePerformance(
  { backups, slower, missing }: PerformanceComparison,
  { yellow, green, dim }: Style,
): string {
  const recorded = `the last ${countOf(backups, 'backup')}`;
  const verdict =
    backups === 0
      ? dim('nothing to compare with: the next backup records how fast the services are')
      : slower.length === 0
        ? `${green('✓')} nothing is slower than ${recorded} recorded`
        : `${yellow('!')} slower than ${recorded} recorded:`;
  return [
    verdict,
    ...slower.flatMap((each) => [
      `    ${yellow(printable(describeSlowdown(each)))}`,
      ...(each.statement === undefined ? [] : [`      ${dim(printable(each.statement))}`]),
    ]),
    ...missing.map((each) => dim(`  not compared: ${printable(each)}`)),
  ].join('\n');
}
