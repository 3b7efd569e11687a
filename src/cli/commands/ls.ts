import { LifeboatError } from '../../core/index.ts';
import { type Repository, type Snapshot, type TreeNode, walkTree } from '../../repository/index.ts';
import { openChosenRepository, repositoryOption } from '../chosen-repository.ts';
import { defineCommand } from '../command.ts';
import { LineBatch } from '../output/line-batch.ts';
import { longLine, nodePath, nodeRecord } from '../output/node-text.ts';
import { filterOf, filterOptions, namedSnapshots, snapshotArgument } from '../snapshot-options.ts';

export const ls = defineCommand({
  description: `Lists what is in a snapshot: everything without a path; with one, what is in that folder, and with
--recursive everything below it. Nothing is read but the folders that are listed.`,
  examples: [
    'ls latest',
    'ls latest /srv/www --long',
    'ls "2 days ago" /etc --recursive --host db1',
    'ls 3f8a01c2 --json -r /backup/repository',
  ],
  arguments: [
    snapshotArgument,
    { name: '[paths...]', description: 'folders or files in it, from the root: /srv/www' },
  ],
  options: {
    long: { flags: '-l, --long', description: 'with permissions, owner, size and time' },
    recursive: { flags: '--recursive', description: 'also what is below the folders in a path' },
    ...filterOptions,
    repository: repositoryOption,
  },
  async run({ arguments: [wanted, ...paths], options }, context) {
    const { output, signal } = context;
    await using repository = await openChosenRepository(context, options.repository);
    const [snapshot] = await namedSnapshots(repository, [wanted], filterOf(options), context);
    const { id, time, hostname, tree } = snapshot as Snapshot;
    output.report({ type: 'ls', snapshot: id, time, hostname, paths: snapshot?.paths });
    using lines = new LineBatch(output);
    const show = (path: string, node: TreeNode) =>
      lines.add(
        () => ({ type: 'node', ...nodeRecord(path, node) }),
        () => (options.long ? longLine(path, node) : nodePath(path, node)),
      );
    for (const path of paths.length === 0 ? ['/'] : paths) {
      const { at, node } = await find(repository, snapshot as Snapshot, path as string);
      if (node && node.subtree === undefined) {
        show(at, node);
        continue;
      }
      const isDeep = options.recursive || paths.length === 0;
      for await (const inside of walkTree(repository, node?.subtree ?? tree, {
        under: at,
        signal,
        enter: () => isDeep === true,
      })) {
        show(inside.path, inside.node);
      }
    }
    return undefined;
  },
});

/** `node` is absent for the root. Errors: `usage.invalid`. */
async function find(
  repository: Repository,
  snapshot: Snapshot,
  path: string,
): Promise<{ readonly at: string; readonly node?: TreeNode }> {
  const at = `/${path.split('/').filter(Boolean).join('/')}`;
  if (at === '/') return { at: '' };
  const node = await repository.findNode(snapshot.tree, at);
  if (node) return { at, node };
  throw new LifeboatError(
    'usage.invalid',
    `snapshot ${snapshot.id.slice(0, 8)} has no ${JSON.stringify(at)}`,
    {
      hint: `It holds ${snapshot.paths.join(', ')}. Find out where something is with \`lifeboat find\`.`,
    },
  );
}
