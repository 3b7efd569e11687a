import { formatBytes } from '../../core/index.ts';
import {
  type BlobTotals,
  type SnapshotStatistics,
  snapshotStatistics,
} from '../../repository/index.ts';
import { openChosenRepository, repositoryOption } from '../chosen-repository.ts';
import { defineCommand } from '../command.ts';
import { countOf } from '../output/count.ts';
import type { Style } from '../output/style.ts';
import { filterOf, filterOptions, namedSnapshots } from '../snapshot-options.ts';

export const stats = defineCommand({
  description: `Four sizes of the snapshots that are meant: what restoring each of them would write, the files of
different content among them, their data with each piece counted once, and what of the repository that
takes. The compression is the third
by the fourth. What is forgotten but not yet pruned is not counted.
Reads the folders of the snapshots, what several share once; no file content.`,
  examples: ['stats', 'stats latest', 'stats --source web --json'],
  arguments: [{ name: '[snapshots...]', description: 'only these: ids, latest, moments' }],
  options: { ...filterOptions, repository: repositoryOption },
  async run({ arguments: wanted, options }, context) {
    const { output, signal } = context;
    await using repository = await openChosenRepository(context, options.repository);
    const snapshots = await namedSnapshots(repository, wanted, filterOf(options), context);
    const statistics = await snapshotStatistics(repository, {
      index: await repository.blobIndex(signal),
      snapshots,
      signal,
      progress: output.progress,
    });
    const ratios = ratiosOf(statistics);
    output.report({ type: 'stats', ...statistics, ...ratios }, (style) =>
      text(statistics, ratios, style),
    );
    if (statistics.blobsMissing > 0) {
      output.warn(
        `${countOf(statistics.blobsMissing, 'reference')} to blobs that are in no index`,
        'Run `lifeboat check` to see what is affected.',
      );
    }
    return undefined;
  },
});

/** How many times smaller: by storing what is alike once, by compressing it, by both. */
function ratiosOf({ raw, restoreBytes }: SnapshotStatistics) {
  const ratio = (bytes: number, stored: number) => (stored === 0 ? 1 : bytes / stored);
  return {
    deduplicationRatio: ratio(restoreBytes, raw.bytes),
    compressionRatio: ratio(raw.bytes, raw.bytesStored),
    restoreRatio: ratio(restoreBytes, raw.bytesStored),
  };
}

function text(
  { snapshots, restoreBytes, entries, files, contents, contentBytes, raw }: SnapshotStatistics,
  { compressionRatio, restoreRatio }: ReturnType<typeof ratiosOf>,
  { bold, dim }: Style,
): string {
  const line = (title: string, bytes: number, more: string) =>
    `  ${title.padEnd(18)}${formatBytes(bytes).padStart(10)}  ${dim(more)}`;
  return [
    bold(countOf(snapshots, 'snapshot')),
    line(
      'to restore them',
      restoreBytes,
      `${countOf(entries, 'entry', 'entries')}, ${countOf(files, 'file')}`,
    ),
    line('different files', contentBytes, countOf(contents, 'content')),
    line(
      'different data',
      raw.bytes,
      `each piece once: ${countOf(raw.dataBlobs, 'data blob')}, ${countOf(raw.treeBlobs, 'tree blob')}`,
    ),
    line('stored', raw.bytesStored, `${change(raw.bytes, raw.bytesStored)}, encryption included`),
    ...compressionLines(raw, line),
    dim(
      `  compression: ${compressionRatio.toFixed(2)} to 1; a restore writes ${restoreRatio.toFixed(2)} times what is stored`,
    ),
  ].join('\n');
}

/** Which part of what is stored got smaller; nothing where there is only one part. */
function compressionLines(
  { bytes, bytesStored, bytesBeforeCompression: before, bytesAfterCompression: after }: BlobTotals,
  line: (title: string, bytes: number, more: string) => string,
): readonly string[] {
  const rest = bytesStored - after;
  if (before === 0 || rest === 0) return [];
  return [
    line('  compressible', after, `was ${formatBytes(before)}, ${change(before, after)}`),
    line('  as it is', rest, `${formatBytes(bytes - before)} that would not have got smaller`),
  ];
}

function change(before: number, after: number): string {
  if (before === 0) return 'nothing';
  const percent = 100 * (1 - after / before);
  return `${Math.abs(percent).toFixed(1)}% ${percent < 0 ? 'more' : 'less'}`;
}
