import { type Drift, describeDrift, tableNameOf } from '../../sources/index.ts';
import { formatMoment } from '../moment.ts';
import { quoteArgument } from '../next-command.ts';
import { printable } from './printable.ts';
import type { Style } from './style.ts';

type Next = (command: string, rest: string) => string;

/** What drifted, and the two commands that answer it: what was it, and: it was meant. */
export function describeDriftLines(
  drift: readonly Drift[],
  next: Next,
  { red, dim }: Style,
): readonly string[] {
  return drift.flatMap((each) => [
    red(`  ✗ ${printable(describeDrift(each, formatMoment))}; nobody announced it`),
    ...(each.kind === 'stale' ? [] : [dim(`      what it was: ${next('find-loss', span(each))}`)]),
    dim(
      `      if it was meant: ${next('announce', `--table ${quoteArgument(tableNameOf(each))}`)}`,
    ),
  ]);
}

/** A baseline takes a moment: a transaction at its edge must not fall out of the search. */
const edgeMs = 60_000;

function span({ fromTime, toTime }: Drift): string {
  const since = new Date(Date.parse(fromTime) - edgeMs).toISOString();
  return `--since ${since} --until ${toTime}`;
}
