import { ExitCode, formatBytes, LifeboatError } from '../../core/index.ts';
import type { CopyReport } from '../../repository/index.ts';
import { openChosenRepository } from '../chosen-repository.ts';
import { type CommandContext, defineCommand } from '../command.ts';
import { loadConfigured } from '../configured.ts';
import { formatMoment } from '../moment.ts';
import { noteDone } from '../note-activity.ts';
import { countOf } from '../output/count.ts';
import type { Style } from '../output/style.ts';
import { lockWait, waitOption } from '../quantity-options.ts';
import { filterOf, filterOptions, namedSnapshots } from '../snapshot-options.ts';

export const copy = defineCommand({
  description: `Brings everything of one repository to another: snapshots with all their data, logs and
records (stock \`restic copy\` leaves logs and records behind). Every blob is decrypted,
compared with its hash and sealed anew under the destination's key. What is there already is
not copied again, also when stock restic copied it; run it again after an interruption and it
goes on. Nothing is ever removed on either side. Exit code 3: something could not be copied
because it is damaged at the source; everything else is there.`,
  examples: [
    'copy --from main --to offsite',
    'copy --to offsite',
    'copy --from main --to offsite --dry-run',
    'copy --from main --to offsite 4f2a91c0 latest',
    'copy --from main --to offsite --source uploads --tag keep',
    'copy --from /mnt/usb/repository --to main --json',
  ],
  arguments: [
    {
      name: '[snapshots...]',
      description: 'ids, latest, latest~1, or moments; all that the filters leave when left out',
    },
  ],
  options: {
    from: {
      flags: '--from <name>',
      description:
        'a repository of the configuration, or a location whose password comes from LIFEBOAT_FROM_PASSWORD, LIFEBOAT_FROM_PASSWORD_FILE or the terminal',
    },
    to: {
      flags: '--to <name>',
      description: 'as -r of other commands; a location takes LIFEBOAT_PASSWORD or its _FILE',
    },
    ...filterOptions,
    dryRun: { flags: '-n, --dry-run', description: 'only say what would be copied' },
    wait: waitOption,
  },
  async run({ arguments: wanted, options }, context) {
    const { output, signal } = context;
    const { wait, dryRun = false } = options;
    const { from, to } = chosenPair(options, context);
    await using source = await openChosenRepository(context, from, 'LIFEBOAT_FROM');
    await using destination = await openChosenRepository(context, to);
    const filter = filterOf(options);
    const isWanted = wanted.length > 0 || Object.keys(filter).length > 0;
    const meant = isWanted ? await namedSnapshots(source, wanted, filter, context) : [];
    const ids = isWanted ? new Set(meant.map(({ id }) => id)) : undefined;
    const report = await source.copyTo(destination, {
      ...(ids === undefined ? {} : { select: ({ id }) => ids.has(id) }),
      dryRun,
      ...lockWait(wait),
      signal,
      progress: output.progress,
    });
    for (const snapshot of report.snapshots) {
      output.report({ type: 'copied-snapshot', ...snapshot }, ({ dim }) => {
        const name = snapshot.id === undefined ? '' : ` as ${snapshot.id.slice(0, 8)}`;
        return `  ${snapshot.source.slice(0, 8)}${name}  ${formatMoment(snapshot.time)}  ${dim(`${snapshot.hostname}:${snapshot.paths.join(', ')}`)}`;
      });
    }
    const { snapshots, ...counts } = report;
    output.report({ type: 'copy', from, to, snapshots: snapshots.length, ...counts }, (style) =>
      describeCopy(report, style),
    );
    const isGood = report.problems.length === 0;
    if (!dryRun) {
      const result = `${snapshots.length} new from ${from}`;
      await noteDone(context, destination, 'copy', { isGood, result });
    }
    return isGood ? ExitCode.ok : ExitCode.partlyDone;
  },
});

/** What is not said comes from `copyFrom` in the configuration. */
function chosenPair(
  { from, to }: { readonly from: string | undefined; readonly to: string | undefined },
  context: CommandContext,
): { readonly from: string; readonly to: string } {
  if (from !== undefined && to !== undefined) return { from, to };
  const copies = Object.entries(loadConfigured(context).repositories).flatMap(
    ([name, { copyFrom }]) => (copyFrom === undefined ? [] : [{ from: copyFrom, to: name }]),
  );
  const fitting = copies.filter(
    (pair) => (from ?? pair.from) === pair.from && (to ?? pair.to) === pair.to,
  );
  const [only] = fitting;
  if (only !== undefined && fitting.length === 1) return only;
  throw new LifeboatError('usage.invalid', 'which repository is copied to which?', {
    hint: 'Say --from and --to; or --to alone, of a repository that has `copyFrom` in lifeboat.yaml.',
  });
}

function describeCopy(report: CopyReport, { green, yellow }: Style): string {
  const { snapshots, snapshotsPresent, blobs, blobBytes, logSegments, logBytes, records } = report;
  const isSame = snapshots.length + logSegments + records === 0;
  const parts = [
    `${countOf(snapshots.length, 'snapshot')} (${countOf(blobs, 'blob')}, ${formatBytes(blobBytes)})`,
    `${countOf(logSegments, 'part')} of logs (${formatBytes(logBytes)})`,
    countOf(records, 'record'),
  ];
  const what = isSame ? 'nothing new' : parts.join(', ');
  const verb = report.dryRun ? 'would copy' : 'copied';
  const mark = report.problems.length === 0 ? green('✓') : yellow('!');
  const problems =
    report.problems.length === 0 ? '' : yellow(`; ${countOf(report.problems.length, 'problem')}`);
  return `${mark} ${verb} ${what}; ${countOf(snapshotsPresent, 'snapshot')} there already${problems}`;
}
