import { formatBytes, LifeboatError } from '../../core/index.ts';
import type { PruneOptions, PruneReport } from '../../repository/index.ts';
import { logsNeededFrom, prunedWindowChanges } from '../../sources/index.ts';
import { openChosenRepository, repositoryOption } from '../chosen-repository.ts';
import { defineCommand } from '../command.ts';
import { configuredPromises } from '../configured-promises.ts';
import { formatMoment } from '../moment.ts';
import { noteDone } from '../note-activity.ts';
import { countOf } from '../output/count.ts';
import { windowChangeText } from '../output/window-change.ts';
import {
  durationOption,
  lockWait,
  percentage,
  sizeOption,
  waitOption,
} from '../quantity-options.ts';

export const prune = defineCommand({
  description: `Removes what no snapshot needs, after forget. It works in two phases, both under the repository's
exclusive lock. This run takes what is unneeded out of the index, repacks packs that are partly
needed, and marks the old files. A run 23 hours later or more removes the files that are still
unneeded then; --now removes them in this run (not while rustic or a restore works on the
repository). Segments of a log that end before the oldest snapshot of its source begins are given
up the same way, or, where "retention: { window }" of lifeboat.yaml promises any moment of so long, those
that no such moment needs; a log without a snapshot stays whole. Interrupted anywhere, the repository is whole, and the next run goes on. Refuses,
and removes nothing, beside a running backup and when the repository is damaged.`,
  examples: [
    'prune --dry-run',
    'prune',
    'prune -r offsite --wait 30m --max-repack-size 50G',
    'prune --now --max-unused 0%',
  ],
  arguments: [],
  options: {
    dryRun: { flags: '--dry-run', description: 'only say what would happen' },
    now: { flags: '--now', description: 'remove files in this run, not in one 23 hours later' },
    keepMarked: {
      flags: '--keep-marked <duration>',
      description: 'how long unneeded files stay before a run removes them (default 23h)',
    },
    maxUnused: {
      flags: '--max-unused <limit>',
      description: 'how much may stay unused: a share (5%, the default), a size, or unlimited',
    },
    maxRepackSize: {
      flags: '--max-repack-size <size>',
      description: 'write no more than that anew in this run',
    },
    keepLogs: {
      flags: '--keep-logs',
      description:
        'give up no log segments, however old; default: those before the oldest snapshot',
    },
    wait: waitOption,
    repository: repositoryOption,
  },
  async run({ options }, context) {
    const { output, signal } = context;
    const { dryRun, now, keepMarked, keepLogs, maxUnused, maxRepackSize, wait } = options;
    const settings: PruneOptions = {
      signal,
      progress: output.progress,
      dryRun: dryRun ?? false,
      ...lockWait(wait),
      ...(maxUnused === undefined ? {} : { maxUnused: unusedLimit(maxUnused) }),
      ...(keepMarked === undefined
        ? {}
        : { keepMarkedMs: durationOption('--keep-marked', keepMarked) }),
      ...(maxRepackSize === undefined
        ? {}
        : { maxRepackBytes: sizeOption('--max-repack-size', maxRepackSize) }),
      ...(now ? { keepMarkedMs: 0 } : {}),
    };
    await using repository = await openChosenRepository(context, options.repository);
    const promises = await configuredPromises(context, options.repository);
    const logsNeeded = async () => {
      const needed = await logsNeededFrom(repository, promises, signal);
      const sources = [...promises.keys()];
      for (const change of await prunedWindowChanges({ repository, needed, sources, signal })) {
        output.report({ type: 'window-change', ...change }, (style) =>
          windowChangeText(change, !dryRun, style),
        );
      }
      return needed;
    };
    const report = await repository.prune({ ...settings, ...(keepLogs ? {} : { logsNeeded }) });
    output.report({ type: 'prune', ...report }, () => describePrune(report));
    if (!report.dryRun) {
      const result = `${countOf(report.filesRemoved, 'file')} removed`;
      await noteDone(context, repository, 'prune', { isGood: true, result });
    }
    return undefined;
  },
});

function unusedLimit(text: string): { readonly share: number } | { readonly bytes: number } {
  if (text === 'unlimited') return { share: 1 };
  const share = percentage(text);
  if (share !== undefined) return { share };
  if (!text.includes('%')) return { bytes: sizeOption('--max-unused', text) };
  throw new LifeboatError('usage.invalid', `--max-unused ${JSON.stringify(text)} is no share`, {
    hint: 'Write a share from 0% to 100%, a size such as 500M, or unlimited.',
  });
}

export function describePrune(report: PruneReport): string {
  const { dryRun, bytes, bytesUnused, packs, packsUnneeded, packsRepacked } = report;
  const would = dryRun ? 'would be ' : '';
  const lines = [
    `${countOf(report.blobsUsed, 'blob')} needed by ${countOf(report.snapshots, 'snapshot')}, ${countOf(report.blobsUnused, 'blob')} unneeded`,
    `${countOf(packs, 'pack')}, ${formatBytes(bytes)}, of which ${formatBytes(bytesUnused)} unused`,
  ];
  const add = (count: number, line: string) => void (count > 0 && lines.push(line));
  add(packsUnneeded, `${countOf(packsUnneeded, 'pack')} wholly unneeded`);
  add(
    packsRepacked,
    `${countOf(packsRepacked, 'pack')} ${would}repacked, ${formatBytes(report.bytesRepacked)} written anew`,
  );
  add(report.packsUnindexed, `${countOf(report.packsUnindexed, 'pack')} in no index`);
  add(
    report.packsRecovered,
    `${countOf(report.packsRecovered, 'pack')} ${would}put back into the index: snapshots need them`,
  );
  add(
    report.logSegmentsDropped,
    `${countOf(report.logSegmentsDropped, 'log segment')} older than any snapshot needs`,
  );
  add(
    report.filesRemoved,
    `${countOf(report.filesRemoved, 'file')} removed, ${formatBytes(report.bytesRemoved)} freed`,
  );
  add(
    report.filesMarked,
    `${countOf(report.filesMarked, 'file')} marked, ${formatBytes(report.bytesMarked)}: a prune after ${local(report.removableFrom)} removes ${report.filesMarked === 1 ? 'it' : 'them'}`,
  );
  add(
    report.filesRefused,
    `${countOf(report.filesRefused, 'file')} under a retention lock: a later prune removes ${report.filesRefused === 1 ? 'it' : 'them'}`,
  );
  lines.push(
    `${formatBytes(report.bytesUnusedAfter)} ${dryRun ? 'would stay' : 'stay'} unused in packs`,
  );
  return lines.join('\n');
}

function local(time: Date | undefined): string {
  return time === undefined ? 'a day' : formatMoment(time);
}
