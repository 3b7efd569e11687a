import { LifeboatError } from '../../core/index.ts';
import type { Snapshot } from '../../repository/index.ts';
import { dumpFile, dumpTar } from '../../sources/index.ts';
import { openChosenRepository, repositoryOption } from '../chosen-repository.ts';
import { defineCommand } from '../command.ts';
import { filterOf, filterOptions, namedSnapshots, snapshotArgument } from '../snapshot-options.ts';

export const dump = defineCommand({
  description: `Writes a file of a snapshot to standard output, or a folder as a tar archive with every attribute (POSIX pax: raw
names, nanoseconds, hard links, extended attributes as SCHILY.xattr; sockets are left out). Every
byte is verified before it is written; when something cannot be read, the command fails and the
archive has no end mark.`,
  examples: [
    'dump latest /etc/hosts',
    'dump latest /srv/www > www.tar',
    'dump latest / --archive tar | tar -x --xattrs -C /mnt',
    'dump "2 days ago" /var/lib/app.db --source documents | sqlite3 ...',
  ],
  arguments: [
    snapshotArgument,
    { name: '<path>', description: 'a file or folder in it, from the root: /srv/www' },
  ],
  options: {
    archive: { flags: '--archive <format>', description: 'of a folder: tar, the only one' },
    ...filterOptions,
    repository: repositoryOption,
  },
  async run({ arguments: [wanted, path], options }, context) {
    const { output, signal } = context;
    if (options.archive !== undefined && options.archive !== 'tar') {
      throw invalid(`there is no archive format ${JSON.stringify(options.archive)}`, 'Use tar.');
    }
    if (output.mode === 'json') {
      throw invalid('a dump is bytes, not JSON lines', 'Leave --json out.');
    }
    await using repository = await openChosenRepository(context, options.repository);
    const chosen = await namedSnapshots(repository, [wanted], filterOf(options), context);
    const { id, tree } = chosen[0] as Snapshot;
    const names = (path as string).split('/').filter(Boolean);
    const under = names.join('/');
    const node = names.length === 0 ? undefined : await repository.findNode(tree, under);
    if (node === undefined && names.length > 0) {
      const hint = `\`lifeboat ls ${id.slice(0, 8)}\` lists everything.`;
      throw invalid(`snapshot ${id.slice(0, 8)} has no /${under}`, hint);
    }
    if (node !== undefined && node.type !== 'dir' && node.type !== 'file') {
      throw invalid(`/${under} is a ${node.type}, not a file`, 'Dump its folder.');
    }
    const bytes =
      node?.type === 'file'
        ? dumpFile(repository, node, signal)
        : dumpTar(repository, node?.subtree ?? tree, under, signal);
    for await (const chunk of bytes) await output.write(chunk);
    return undefined;
  },
});

function invalid(fact: string, hint: string): LifeboatError {
  return new LifeboatError('usage.invalid', fact, { hint });
}
