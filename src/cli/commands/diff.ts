import { formatBytes, formatCount, LifeboatError } from '../../core/index.ts';
import {
  type Change,
  type ChangeKind,
  type DiffStatistics,
  diffTrees,
  type Repository,
  type Snapshot,
} from '../../repository/index.ts';
import { openChosenRepository, repositoryOption } from '../chosen-repository.ts';
import { defineCommand } from '../command.ts';
import { formatMoment } from '../moment.ts';
import { LineBatch } from '../output/line-batch.ts';
import { printable } from '../output/printable.ts';
import type { Style } from '../output/style.ts';
import { textTable } from '../output/text-table.ts';
import { filterOf, filterOptions, namedSnapshots } from '../snapshot-options.ts';

export const diff = defineCommand({
  description: `What changed from one snapshot to another: + added, - removed, M other content, T another type, and with
--metadata U: only mode, owner, time or attributes. Then how much data only one of the two has.
Folders that are the same in both are not listed.`,
  examples: [
    'diff latest~1 latest',
    'diff "1 week ago" latest --source web --path-in /srv/www',
    'diff 3f8a01c2 9b1d77e0 --metadata --json',
  ],
  arguments: [
    { name: '<before>', description: 'an id or its beginning, latest~1, or a moment' },
    { name: '<after>', description: 'the same' },
  ],
  options: {
    metadata: { flags: '--metadata', description: 'also where only metadata differs' },
    pathIn: { flags: '--path-in <folder>', description: 'only below this folder of both' },
    ...filterOptions,
    repository: repositoryOption,
  },
  async run({ arguments: wanted, options }, context) {
    const { output, signal } = context;
    await using repository = await openChosenRepository(context, options.repository);
    const [before, after] = await Promise.all(
      wanted.map(
        async (text) => (await namedSnapshots(repository, [text], filterOf(options), context))[0],
      ),
    );
    if (!before || !after) throw new LifeboatError('bug', 'two snapshots were chosen');
    output.say(({ dim }) => dim(`from ${heading(before)}\nto   ${heading(after)}\n`));
    const folder = options.pathIn;
    let statistics: DiffStatistics;
    {
      using lines = new LineBatch(output);
      statistics = await diffTrees(repository, {
        index: await repository.blobIndex(signal),
        before: await treeOf(repository, before, folder),
        after: await treeOf(repository, after, folder),
        ...(folder === undefined
          ? {}
          : { under: `/${folder.split('/').filter(Boolean).join('/')}` }),
        signal,
        onChange: (change) => {
          if (change.kind === 'metadata' && !options.metadata) return;
          lines.add(
            () => record(change),
            (style) => line(change, style),
          );
        },
      });
    }
    const result = { type: 'diff', before: before.id, after: after.id, ...statistics };
    output.report(result, (style) => `\n${summary(statistics, style)}`);
    return undefined;
  },
});

function heading({ id, time, hostname }: Snapshot): string {
  return `${id.slice(0, 8)}  ${formatMoment(time)}  ${printable(hostname)}`;
}

async function treeOf(repository: Repository, snapshot: Snapshot, folder: string | undefined) {
  if (folder === undefined || folder === '/') return snapshot.tree;
  const node = await repository.findNode(snapshot.tree, folder);
  if (node?.subtree) return node.subtree;
  throw new LifeboatError(
    'usage.invalid',
    `snapshot ${snapshot.id.slice(0, 8)} has no folder ${folder}`,
    { hint: 'Look with `lifeboat ls`.' },
  );
}

const marks: Readonly<Record<ChangeKind, string>> = {
  added: '+',
  removed: '-',
  modified: 'M',
  'type-changed': 'T',
  metadata: 'U',
};

function line({ kind, path, before, after }: Change, { green, red, yellow, dim }: Style): string {
  const isFolder = (after ?? before)?.type === 'dir';
  const text = `${marks[kind]}  ${printable(path)}${isFolder ? '/' : ''}`;
  const colour = {
    added: green,
    removed: red,
    modified: yellow,
    'type-changed': yellow,
    metadata: dim,
  };
  return colour[kind](text);
}

function record({ kind, path, before, after }: Change) {
  const side = (node: Change['before']) =>
    node && {
      nodeType: node.type,
      mode: node.mode,
      sizeBytes: node.sizeBytes,
      modifiedNs: node.mtimeNs,
    };
  return { type: 'change', kind, path, before: side(before), after: side(after) };
}

function summary({ added, removed, filesModified }: DiffStatistics, style: Style): string {
  const rows = (
    [
      ['files', 'files'],
      ['folders', 'dirs'],
      ['others', 'others'],
      ['data blobs', 'dataBlobs'],
      ['tree blobs', 'treeBlobs'],
    ] as const
  ).map(([title, name]) => [
    title,
    formatCount(added[name]),
    formatCount(removed[name]),
    name === 'files' ? formatCount(filesModified) : '',
  ]);
  rows.push(
    ['data', formatBytes(added.bytes), formatBytes(removed.bytes), ''],
    ['stored', formatBytes(added.bytesStored), formatBytes(removed.bytesStored), ''],
  );
  const right = (title: string) => ({ title, align: 'right' }) as const;
  return textTable(
    [{ title: '' }, right('added'), right('removed'), right('changed')],
    rows,
    style,
  );
}
