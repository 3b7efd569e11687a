import { cpus, totalmem } from 'node:os';
import type { Comparison } from './measure.ts';

/** A Markdown table per comparison. */
export function render(comparisons: readonly Comparison[]): string {
  return comparisons
    .map(({ title, rows }) => {
      const lines = rows.map(
        ({ name, median, ratio }) =>
          `| ${name} | ${median.seconds.toFixed(2)} | ${(median.peakBytes / 2 ** 20).toFixed(0)} | ${ratio.toFixed(2)} |`,
      );
      const head = `| ${title} | seconds (median) | peak MiB | times as fast as ${rows[0]?.name} |`;
      return [head, '|---|---|---|---|', ...lines].join('\n');
    })
    .join('\n\n');
}

export function describeMachine(): string {
  const model = cpus()[0]?.model ?? 'unknown processor';
  return `${cpus().length} x ${model}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${process.version}`;
}
