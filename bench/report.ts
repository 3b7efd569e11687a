import { cpus, totalmem } from 'node:os';
import { type Comparison, median, type RaceResult, type Run } from './measure.ts';

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

/**
 * One table of a race whose last competitor is ours. The ratio is the faster rival's median divided by this one's: above 1 means
 * faster. `repositoryBytes` stand in the order of the results.
 */
export function renderRace(
  title: string,
  results: readonly RaceResult[],
  repositoryBytes: readonly number[] | undefined,
): string {
  const seconds = (runs: readonly Run[]) => median(runs.map((run) => run.seconds));
  const rivals = results.slice(0, -1);
  const best = Math.min(...rivals.map(({ runs }) => seconds(runs)));
  const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(0);
  const rows = results.map(({ name, runs }, index) => {
    const peak = mebibytes(median(runs.map((run) => run.peakBytes)));
    const size = repositoryBytes ? ` ${mebibytes(repositoryBytes[index] as number)} |` : '';
    const all = runs.map((run) => run.seconds.toFixed(2)).join(' ');
    return `| ${name} | ${seconds(runs).toFixed(2)} | ${(best / seconds(runs)).toFixed(2)} | ${peak} |${size} ${all} |`;
  });
  const sizeHead = repositoryBytes ? ' repository MiB |' : '';
  return [
    `| ${title} | seconds (median) | times as fast as the faster rival | peak MiB |${sizeHead} runs |`,
    `|---|---|---|---|${repositoryBytes ? '---|' : ''}---|`,
    ...rows,
  ].join('\n');
}
