import { ExitCode, LifeboatError } from '../../core/index.ts';
import { burstsOf, type ChangeBurst } from '../../repository/index.ts';
import { chosenLocation, repositoryOption } from '../chosen-repository.ts';
import { defineCommand } from '../command.ts';
import { formatMoment } from '../moment.ts';
import { programName } from '../next-command.ts';
import { countOf } from '../output/count.ts';
import type { Style } from '../output/style.ts';

/** Many servers tell the time of a version in whole seconds. */
const beforeMs = 1000;

export const versions = defineCommand({
  description: `Shows what a bucket with versions still keeps of the past: every burst in which files of the
repository were overwritten (no program of this format does that) or removed (forget and prune
do), and the address that reads the bucket as it was just before. Needs no password and works
where nothing else can be opened any more. Changes nothing.`,
  examples: ['versions', 'versions -r s3:https://s3.example.com/shop-backups --json'],
  arguments: [],
  options: { repository: repositoryOption },
  async run({ options }, context) {
    const { output, signal } = context;
    const program = programName(context.environment);
    const { location, address: place } = chosenLocation(context, options.repository);
    try {
      const history = await location.history?.(signal);
      if (history === undefined) throw keepsNone(location.describe());
      const bursts = burstsOf(history.changes);
      for (const burst of bursts) {
        const address = addressBefore(place, burst.start);
        output.report({ type: 'versions-burst', ...burst, address }, (style) =>
          describe(burst, `${program} check -r '${address}'`, style),
        );
      }
      const { oldest, newest } = history;
      output.report(
        { type: 'versions', versions: history.versions, oldest, newest, bursts: bursts.length },
        ({ bold }) => {
          if (oldest === undefined || newest === undefined) return 'no version of any file is kept';
          const span = `from ${formatMoment(oldest)} to ${formatMoment(newest)}`;
          return `${bold(countOf(history.versions, 'version'))} of files are kept, ${span}`;
        },
      );
      return ExitCode.ok;
    } finally {
      await location.close?.();
    }
  },
});

function addressBefore(place: string, start: Date): string {
  const [base = '', query = ''] = place.split('?');
  const others = query.split('&').filter((each) => each !== '' && !each.startsWith('versions='));
  const moment = new Date(start.getTime() - beforeMs).toISOString();
  return `${base}?${[...others, `versions=${moment}`].join('&')}`;
}

function describe(burst: ChangeBurst, next: string, { red, yellow, dim }: Style): string {
  const { start, end, overwritten, removed, kinds } = burst;
  const facts = [
    ...(overwritten > 0 ? [red(`${countOf(overwritten, 'file')} overwritten`)] : []),
    ...(removed > 0 ? [yellow(`${countOf(removed, 'file')} removed`)] : []),
  ].join(', ');
  const span =
    start.getTime() === end.getTime()
      ? formatMoment(start)
      : `${formatMoment(start)} to ${formatMoment(end)}`;
  return [`${span}: ${facts} (${kinds.join(', ')})`, dim(`  as it was before: ${next}`)].join('\n');
}

function keepsNone(where: string): LifeboatError {
  return new LifeboatError('usage.invalid', `${where} keeps no former versions of its files`, {
    hint: 'Only buckets of S3 with versioning do.',
  });
}
