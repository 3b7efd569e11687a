import { LifeboatError } from '../../core/index.ts';
import { openChosenRepository, repositoryOption } from '../chosen-repository.ts';
import { defineCommand } from '../command.ts';
import { countOf } from '../output/count.ts';
import { printable } from '../output/printable.ts';
import { lockWait, waitOption } from '../quantity-options.ts';
import { filterOf, filterOptions, namedSnapshots, tagList } from '../snapshot-options.ts';

export const tag = defineCommand({
  description: `Adds tags to snapshots, removes some, or sets all anew. A snapshot with other tags is another file, so its
id changes; it remembers its first one. The new file is stored before the old one goes. Takes the
exclusive lock. To accept a flagged snapshot, remove the tag lifeboat:flagged.`,
  examples: [
    'tag latest --add before-upgrade',
    'tag 3f8a01c2 --remove lifeboat:flagged',
    'tag --host db1 --set nightly,postgres',
  ],
  arguments: [
    {
      name: '[snapshots...]',
      description: 'ids, latest, moments; or choose with --host, --tag ...',
    },
  ],
  options: {
    add: { flags: '--add <tags>', description: 'a,b or given several times', repeatable: true },
    remove: { flags: '--remove <tags>', description: 'likewise', repeatable: true },
    set: {
      flags: '--set <tags>',
      description:
        'instead of all they have but those that Lifeboat sets (lifeboat..., kind:, source:), which only --remove takes away; "" for none',
      mayBeEmpty: true,
      repeatable: true,
    },
    ...filterOptions,
    all: { flags: '--all', description: 'every snapshot of the repository' },
    wait: waitOption,
    repository: repositoryOption,
  },
  async run({ arguments: wanted, options }, context) {
    const { output, signal } = context;
    const changes = changesOf(options);
    const filter = filterOf(options);
    const names = wanted.filter((each) => each !== undefined);
    if (names.length === 0 && Object.keys(filter).length === 0 && !options.all) {
      throw usage(
        'no snapshots are named',
        'Name them, choose them with --host, --tag, --path or --source, or give --all.',
      );
    }
    await using repository = await openChosenRepository(context, options.repository);
    const ids =
      names.length === 0
        ? undefined
        : (await namedSnapshots(repository, names, filter, context)).map(({ id }) => id);
    const report = await repository.tag({
      ...changes,
      filter,
      ...(ids ? { ids } : {}),
      ...lockWait(options.wait),
      signal,
      progress: output.progress,
    });
    for (const { before, after, tags } of report.changed) {
      output.report({ type: 'tag-change', before, after, tags }, ({ dim }) => {
        const now = tags.length === 0 ? 'no tags' : tags.map(printable).join(', ');
        return `${before.slice(0, 8)} ${dim('is now')} ${after.slice(0, 8)}  ${now}`;
      });
    }
    const { changed, unchanged } = report;
    output.report({ type: 'tag', changed: changed.length, unchanged }, ({ dim }) =>
      dim(`${countOf(changed.length, 'snapshot')} changed, ${unchanged} had these tags already`),
    );
    return undefined;
  },
});

function changesOf(options: {
  readonly add: readonly string[] | undefined;
  readonly remove: readonly string[] | undefined;
  readonly set: readonly string[] | undefined;
}) {
  const list = (texts: readonly string[]) => texts.flatMap(tagList).filter((each) => each !== '');
  const { add, remove, set } = options;
  if (set === undefined && add === undefined && remove === undefined) {
    throw usage('nothing is to change', 'Give --add, --remove or --set.');
  }
  if (set !== undefined && (add ?? remove) !== undefined) {
    throw usage('--set excludes --add and --remove', 'Give --set alone.');
  }
  return set ? { set: list(set) } : { add: list(add ?? []), remove: list(remove ?? []) };
}

function usage(fact: string, hint: string): LifeboatError {
  return new LifeboatError('usage.invalid', fact, { hint });
}
