import { formatBytes } from '../../core/index.ts';
import { type SnapshotStatistics, snapshotStatistics } from '../../repository/index.ts';
import { openChosenRepository, repositoryOption } from '../chosen-repository.ts';
import { defineCommand } from '../command.ts';
import { countOf } from '../output/count.ts';
import type { Style } from '../output/style.ts';
import { filterOf, filterOptions, namedSnapshots } from '../snapshot-options.ts';

export const stats = defineCommand({
  description: `Three sizes of the snapshots that are meant: what restoring each of them would write, the files of
different content among them, and what the repository stores for them, with the compression ratio.
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

/** Of what is compressed, and of all that a restore would write. */
function ratiosOf({ raw, restoreBytes }: SnapshotStatistics) {
  const ratio = (bytes: number, stored: number) => (stored === 0 ? 1 : bytes / stored);
  return {
    compressionRatio: ratio(raw.bytesBeforeCompression, raw.bytesAfterCompression),
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
  const saved = raw.bytes === 0 ? 0 : 100 * (1 - raw.bytesStored / raw.bytes);
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
      `${countOf(raw.dataBlobs, 'data blob')}, ${countOf(raw.treeBlobs, 'tree blob')}`,
    ),
    line(
      'stored',
      raw.bytesStored,
      `${compressionRatio.toFixed(2)}x compressed, ${saved.toFixed(1)}% saved`,
    ),
    dim(`  restoring all would write ${restoreRatio.toFixed(1)} times what is stored`),
  ].join('\n');
}
