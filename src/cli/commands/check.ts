import { ExitCode } from '../../core/index.ts';
import type { CheckFinding } from '../../repository/index.ts';
import { openChosenRepository, repositoryOption } from '../chosen-repository.ts';
import { defineCommand } from '../command.ts';
import { noteDone } from '../note-activity.ts';
import { countOf } from '../output/count.ts';
import type { Style } from '../output/style.ts';

export const check = defineCommand({
  description: `Looks at every index, pack, tree, snapshot, log and record of the repository and says what is
damaged or missing and what that affects. With --read-data every stored byte is read,
decrypted and compared with its hash. Changes nothing. Exit code 1 when something is wrong.`,
  examples: [
    'check',
    'check --read-data',
    'check -r offsite --json',
    'check -r /var/backups/lifeboat',
  ],
  arguments: [],
  options: {
    readData: {
      flags: '--read-data',
      description: 'read and verify everything, not only the lists',
    },
    repository: repositoryOption,
  },
  async run({ options }, context) {
    const { output, signal } = context;
    await using repository = await openChosenRepository(context, options.repository);
    const readData = options.readData ?? false;
    const report = await repository.check({ readData, signal, progress: output.progress });
    for (const finding of report.findings) {
      output.report({ type: 'check-finding', ...finding }, (style) => describe(finding, style));
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
        const how = readData
          ? 'every byte was read and verified'
          : 'lists verified; --read-data reads every byte';
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

function describe(finding: CheckFinding, { red, yellow, dim }: Style): string {
  const mark = finding.severity === 'error' ? red('error') : yellow('hint');
  const lines = [`${mark} ${finding.kind} ${finding.name}: ${finding.problem}`];
  if (finding.affects.length > 0) lines.push(dim(`  affects ${finding.affects.join(', ')}`));
  return lines.join('\n');
}
