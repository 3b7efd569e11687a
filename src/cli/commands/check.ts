import { ExitCode, formatBytes, LifeboatError } from '../../core/index.ts';
import type { ReadData } from '../../repository/index.ts';
import { openChosenRepository, repositoryOption } from '../chosen-repository.ts';
import { defineCommand } from '../command.ts';
import { noteDone } from '../note-activity.ts';
import { countOf } from '../output/count.ts';
import { findingTexts } from '../output/findings-text.ts';
import { lockWait, percentage, sizeOption, waitOption } from '../quantity-options.ts';

export const check = defineCommand({
  description: `Looks at every index, pack, tree, snapshot, log and record of the repository and says what is
damaged or missing and what that affects. With --read-data every stored byte is read,
decrypted and compared with its hash. Changes nothing. Exit code 1 when something is wrong.`,
  examples: [
    'check',
    'check --read-data',
    'check --read-data-subset 1/7',
    'check --read-data-subset 5%',
    'check -r offsite --json',
    'check -r /var/backups/lifeboat',
  ],
  arguments: [],
  options: {
    readData: {
      flags: '--read-data',
      description: 'read and verify everything, not only the lists',
    },
    readDataSubset: {
      flags: '--read-data-subset <subset>',
      description:
        'read and verify some packs: n/t is the nth of t parts (1/7 on Mondays, 2/7 on Tuesdays ...), 5% or 10G a random choice',
    },
    wait: waitOption,
    repository: repositoryOption,
  },
  async run({ options }, context) {
    const { output, signal } = context;
    await using repository = await openChosenRepository(context, options.repository);
    const { readDataSubset: subset, readData: all = false, wait } = options;
    const readData = subset === undefined ? all : parseSubset(subset);
    const { progress } = output;
    const report = await repository.check({ readData, signal, progress, ...lockWait(wait) });
    const texts = findingTexts(report.findings);
    for (const [number, finding] of report.findings.entries()) {
      output.report({ type: 'check-finding', ...finding }, texts[number]);
    }
    const errors = report.findings.filter((each) => each.severity === 'error').length;
    const { packs, blobs, snapshots, bytesRead } = report;
    output.report(
      {
        type: 'check',
        errors,
        hints: report.findings.length - errors,
        packs,
        blobs,
        snapshots,
        bytesRead,
        readData,
      },
      ({ green, red }) => {
        const seen = `${countOf(snapshots, 'snapshot')}, ${countOf(packs, 'pack')}, ${countOf(blobs, 'blob')}`;
        if (errors > 0) return `${red('✗')} ${countOf(errors, 'error')} in ${seen}`;
        const how = describeRead(readData, bytesRead);
        return `${green('✓')} no errors in ${seen} (${how})`;
      },
    );
    await noteDone(context, repository, 'check', {
      isGood: errors === 0,
      result: countOf(errors, 'error'),
    });
    return errors === 0 ? ExitCode.ok : ExitCode.failed;
  },
});

function describeRead(readData: ReadData, bytesRead: number): string {
  if (readData === true) return 'every byte was read and verified';
  if (readData === false) return 'lists verified; --read-data reads every byte';
  return `lists verified, and ${formatBytes(bytesRead)} read`;
}

/** As restic's option of the same name. */
function parseSubset(text: string): ReadData {
  const parts = /^(\d+)\/(\d+)$/.exec(text);
  if (parts !== null) {
    const [part, of] = [Number(parts[1]), Number(parts[2])];
    if (part >= 1 && part <= of && of <= 256) return { part, of };
    throw new LifeboatError('usage.invalid', `--read-data-subset ${text} is no part of a whole`, {
      hint: 'Write n/t with n from 1 to t, and t at most 256.',
    });
  }
  const share = percentage(text);
  return share === undefined ? { bytes: sizeOption('--read-data-subset', text) } : { share };
}
