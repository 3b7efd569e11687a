import { LifeboatError } from '../../core/index.ts';
import {
  type BlobQuery,
  blobsByPrefix,
  matching,
  NodeFinder,
  parseGlob,
  type Repository,
  referringTo,
  type Snapshot,
} from '../../repository/index.ts';
import { openChosenRepository, repositoryOption } from '../chosen-repository.ts';
import { defineCommand } from '../command.ts';
import { formatMoment, parseMoment } from '../moment.ts';
import { countOf } from '../output/count.ts';
import { LineBatch } from '../output/line-batch.ts';
import { longLine, nodePath, nodeRecord } from '../output/node-text.ts';
import { filterOf, filterOptions, namedSnapshots } from '../snapshot-options.ts';

export const find = defineCommand({
  description: `Looks for files and folders in all snapshots, or in those that are meant, the newest first.
A pattern without a slash is about the name; with one, about the end of the path, and from the root
when it begins with one. With --blob, --tree or --pack it looks for what uses something stored.
Exit code 1 when nothing is found.`,
  examples: [
    'find "*.sql"',
    'find -i "invoice-2026-*" --source office --newest "3 days ago"',
    'find "/srv/www/**/*.php" --snapshot latest --long',
    'find --pack 1f2e3d4c',
  ],
  arguments: [{ name: '<patterns...>', description: 'with *, ?, [a-z], **; quote them. Or ids' }],
  options: {
    ignoreCase: { flags: '-i, --ignore-case', description: 'A and a are the same' },
    oldest: { flags: '-O, --oldest <moment>', description: 'modified then or later' },
    newest: { flags: '-N, --newest <moment>', description: 'modified then or before' },
    long: { flags: '-l, --long', description: 'with permissions, owner, size and time' },
    snapshot: {
      flags: '-s, --snapshot <snapshot>',
      description: 'only in this one',
      repeatable: true,
    },
    reverse: { flags: '-R, --reverse', description: 'the oldest snapshot first' },
    blob: { flags: '--blob', description: 'the patterns are ids of blobs' },
    tree: { flags: '--tree', description: 'the patterns are ids of trees' },
    pack: { flags: '--pack', description: 'the patterns are ids of packs' },
    ...filterOptions,
    repository: repositoryOption,
  },
  async run({ arguments: patterns, options }, context) {
    const { output, signal } = context;
    const kind = queryOf(options);
    const now = new Date();
    const times = {
      oldest: options.oldest === undefined ? undefined : parseMoment(options.oldest, now),
      newest: options.newest === undefined ? undefined : parseMoment(options.newest, now),
    };
    const texts = patterns.filter((each) => each !== undefined);
    const globs = kind ? [] : texts.map((each) => parseGlob(each, options.ignoreCase ?? false));
    await using repository = await openChosenRepository(context, options.repository);
    const test = kind
      ? referringTo(await lookUp(repository, kind, texts, signal))
      : matching(globs, times);
    const newestFirst = await namedSnapshots(
      repository,
      options.snapshot ?? [],
      filterOf(options),
      context,
    );
    const finder = new NodeFinder(repository, test, signal);
    let found = 0;
    let snapshots = 0;
    const task = 'find';
    output.progress({ type: 'begin', task, title: 'searching' });
    try {
      for (const snapshot of options.reverse ? newestFirst.toReversed() : newestFirst) {
        const before = found;
        using lines = new LineBatch(output);
        for await (const { path, node } of finder.find(snapshot)) {
          if (found++ === before)
            lines.add(
              () => ({ type: 'find-snapshot', ...about(snapshot) }),
              ({ bold }) => bold(heading(snapshot)),
            );
          lines.add(
            () => ({ type: 'find-match', snapshot: snapshot.id, ...nodeRecord(path, node) }),
            () => `  ${options.long ? longLine(path, node) : nodePath(path, node)}`,
          );
        }
        output.progress({
          type: 'progress',
          task,
          done: ++snapshots,
          total: newestFirst.length,
          unit: 'snapshots',
        });
      }
    } finally {
      output.progress({
        type: 'end',
        task,
        summary: `${countOf(found, 'match', 'matches')} in ${countOf(snapshots, 'snapshot')}`,
      });
    }
    output.report({ type: 'find', matches: found, snapshots });
    return found > 0 ? 0 : 1;
  },
});

function queryOf(options: {
  readonly blob: boolean | undefined;
  readonly tree: boolean | undefined;
  readonly pack: boolean | undefined;
}): BlobQuery | undefined {
  const kinds = (['blob', 'tree', 'pack'] as const).filter((kind) => options[kind]);
  if (kinds.length < 2) return kinds[0];
  throw new LifeboatError('usage.invalid', `--${kinds.join(', --')} exclude each other`, {
    hint: 'Give only one of them.',
  });
}

async function lookUp(
  repository: Repository,
  kind: BlobQuery,
  ids: readonly string[],
  signal: AbortSignal,
) {
  return blobsByPrefix(await repository.blobIndex(signal), kind, ids);
}

function about({ id, time, hostname, paths, tags }: Snapshot) {
  return { snapshot: id, time, hostname, paths, tags };
}

function heading({ id, time, hostname }: Snapshot): string {
  return `snapshot ${id.slice(0, 8)} of ${formatMoment(time)}, ${hostname}`;
}
