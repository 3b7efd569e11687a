import { formatBytes, LifeboatError } from '../../core/index.ts';
import {
  describeGroup,
  groupSnapshots,
  isCheckpoint,
  isFlagged,
  type Snapshot,
} from '../../repository/index.ts';
import { openChosenRepository, repositoryOption } from '../chosen-repository.ts';
import { defineCommand } from '../command.ts';
import { formatMoment } from '../moment.ts';
import { countOf } from '../output/count.ts';
import { printable } from '../output/printable.ts';
import type { Style } from '../output/style.ts';
import { tagText } from '../output/tag-text.ts';
import { textTable } from '../output/text-table.ts';
import {
  filterOf,
  filterOptions,
  groupByOf,
  groupByOption,
  namedSnapshots,
} from '../snapshot-options.ts';

export const snapshots = defineCommand({
  description: `Lists snapshots, the oldest first, with what they hold. A flagged one differs from those
before it so much that somebody should look at it; a checkpoint is a backup that was interrupted.`,
  examples: [
    'snapshots',
    'snapshots --source web --latest 5',
    'snapshots --group-by host,paths --latest 1',
    'snapshots -r /backup/repository --json',
  ],
  arguments: [{ name: '[snapshots...]', description: 'only these: ids, latest, moments' }],
  options: {
    ...filterOptions,
    latest: { flags: '--latest <n>', description: 'only the newest n of each group' },
    groupBy: groupByOption,
    repository: repositoryOption,
  },
  async run({ arguments: wanted, options }, context) {
    const { output } = context;
    const latest = options.latest === undefined ? undefined : countOption(options.latest);
    const groupBy = options.groupBy === undefined ? undefined : groupByOf(options.groupBy);
    await using repository = await openChosenRepository(context, options.repository);
    const found = await namedSnapshots(repository, wanted, filterOf(options), context);
    // `--latest` alone means the newest of each host and paths, as everywhere else.
    const groups = groupSnapshots(
      found,
      groupBy ?? (latest === undefined ? [] : ['host', 'paths']),
    );
    const shown = groups.map((group) => ({
      ...group,
      snapshots: group.snapshots.slice(0, latest).toReversed(),
    }));
    if (output.mode === 'json') {
      for (const group of shown) {
        for (const each of group.snapshots) {
          output.report({
            type: 'snapshot',
            ...record(each),
            ...(groupBy ? { group: group.key } : {}),
          });
        }
      }
      return undefined;
    }
    const lists = groupBy ? shown : [{ key: {}, snapshots: mixed(shown) }];
    for (const { key, snapshots: list } of lists) {
      output.say((style) => {
        const heading = groupBy?.length ? `${style.bold(printable(describeGroup(key)))}\n` : '';
        return `${heading}${list.length === 0 ? 'no snapshots' : table(list, style)}\n`;
      });
    }
    const count = shown.reduce((sum, { snapshots: list }) => sum + list.length, 0);
    const rest = found.length > count ? ` of ${found.length}` : '';
    if (count > 0) output.say(({ dim }) => dim(`${countOf(count, 'snapshot')}${rest}`));
    return undefined;
  },
});

function mixed(
  groups: readonly { readonly snapshots: readonly Snapshot[] }[],
): readonly Snapshot[] {
  return groups
    .flatMap((group) => group.snapshots)
    .sort((a, b) => a.time.getTime() - b.time.getTime());
}

function table(list: readonly Snapshot[], style: Style): string {
  const columns = [
    { title: 'id' },
    { title: 'time' },
    { title: 'host', shrinks: true },
    { title: 'tags', shrinks: true },
    { title: 'paths', shrinks: true },
    { title: 'size', align: 'right' },
  ] as const;
  const rows = list.map((each) => [
    each.id.slice(0, 8),
    formatMoment(each.time),
    printable(each.hostname),
    tagText(each.tags),
    each.paths.map(printable).join('\n'),
    each.summary === undefined ? '' : formatBytes(each.summary.bytesTotal),
  ]);
  return textTable(columns, rows, style, (text, column, row) => {
    const snapshot = list[row] as Snapshot;
    if (column === 3 && isFlagged(snapshot)) return style.yellow(text);
    return isCheckpoint(snapshot) ? style.dim(text) : text;
  });
}

function record(snapshot: Snapshot) {
  const { summary, timeNs: _, timeText: _text, ...fields } = snapshot;
  return {
    ...fields,
    ...summary,
    flagged: isFlagged(snapshot),
    checkpoint: isCheckpoint(snapshot),
  };
}

function countOption(text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw new LifeboatError('usage.invalid', `--latest ${JSON.stringify(text)} is no number`, {
    hint: 'Write a whole number from 1 on.',
  });
}
