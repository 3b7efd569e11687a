import { LifeboatError } from '../../core/index.ts';
import {
  type BlobId,
  blobsByPrefix,
  type Repository,
  type ShownKind,
} from '../../repository/index.ts';
import { openChosenRepository, repositoryOption } from '../chosen-repository.ts';
import { type CommandContext, defineCommand } from '../command.ts';
import { filterOf, filterOptions, namedSnapshots } from '../snapshot-options.ts';

const kinds = ['config', 'index', 'snapshot', 'key', 'masterkey', 'lock', 'pack', 'tree', 'blob'];

export const cat = defineCommand({
  description: `Prints what is inside a file of a repository, decrypted and verified, for people who want to know exactly.
A pack shows its header: the blobs in it. A blob is written as it is. A tree may be named by a
snapshot and a folder: latest:/srv/www. The master key opens everything and is printed only with
--show-secret.`,
  examples: [
    'cat config',
    'cat snapshot latest',
    'cat tree latest:/etc',
    'cat blob 1f2e3d4c > piece',
  ],
  arguments: [
    { name: '<kind>', description: kinds.join(', ') },
    { name: '[id]', description: 'an id or its beginning; for config and masterkey none' },
  ],
  options: {
    showSecret: { flags: '--show-secret', description: 'needed for masterkey' },
    ...filterOptions,
    repository: repositoryOption,
  },
  async run({ arguments: [kind, id], options }, context) {
    if (kind === undefined || !kinds.includes(kind)) {
      throw usage(`there is no kind ${JSON.stringify(kind)}`, `It is one of ${kinds.join(', ')}.`);
    }
    const isAlone = kind === 'config' || kind === 'masterkey';
    if (isAlone !== (id === undefined)) {
      throw usage(
        isAlone ? `${kind} takes no id` : `${kind} needs an id`,
        isAlone ? `Write \`lifeboat cat ${kind}\`.` : (whereIds[kind] ?? ''),
      );
    }
    if (kind === 'masterkey' && !options.showSecret) {
      throw usage(
        'the master key is a secret: whoever has it reads everything, whatever passwords are changed',
        'To print it all the same, add --show-secret. Keep it off screens that others see, and out of logs.',
      );
    }
    await using repository = await openChosenRepository(context, options.repository);
    const filter = filterOf(options);
    if (kind === 'blob') await showBlob(repository, id as string, context);
    else if (kind === 'tree') await showTree(repository, id as string, filter, context);
    else if (kind === 'pack')
      show(kind, await repository.showPack(id as string, context.signal), context);
    else {
      const snapshots =
        kind === 'snapshot' ? await namedSnapshots(repository, [id], filter, context) : [];
      const name = snapshots[0]?.id ?? id;
      show(
        kind,
        JSON.parse(await repository.showFile(kind as ShownKind, name, context.signal)),
        context,
      );
    }
    return undefined;
  },
});

/** Where the ids of a kind are found. */
const whereIds: Readonly<Record<string, string>> = {
  snapshot: 'Give an id, latest or a moment; `lifeboat snapshots` lists them.',
  key: '`lifeboat key list` lists them.',
  lock: '`lifeboat unlock --dry-run` lists the locks; their ids are the names of the files in locks/.',
  index: 'It is the name of a file in index/ of the repository, or its beginning.',
  pack: '`lifeboat cat index ID` lists packs and their blobs; `lifeboat check` names damaged ones.',
  blob: '`lifeboat cat tree latest:/FOLDER` lists the blobs of files, `lifeboat cat index ID` all.',
  tree: 'Give a snapshot, and a folder if you like: latest, latest:/srv/www.',
};

function show(kind: string, content: unknown, { output }: CommandContext): void {
  output.report({ type: 'cat', kind, content }, () => JSON.stringify(content, null, 2));
}

async function showBlob(repository: Repository, id: string, { output, signal }: CommandContext) {
  const { blobs, trees } = blobsByPrefix(await repository.blobIndex(signal), 'blob', [id]);
  const found = [
    ...[...blobs].map((blob) => ({ type: 'data', blob }) as const),
    ...[...trees].map((blob) => ({ type: 'tree', blob }) as const),
  ];
  const [first, second] = found;
  if (first === undefined || second !== undefined) {
    throw usage(`${found.length} blobs begin with ${id}`, 'Give the whole id.');
  }
  const bytes = await repository.readBlob(first.type, first.blob, signal);
  if (output.mode === 'terminal') await output.write(bytes);
  else {
    const base64 = Buffer.from(bytes).toString('base64');
    output.report({ type: 'cat', kind: 'blob', id: first.blob, base64 });
  }
}

/** `name` is the id of a tree, or a snapshot, or a snapshot and a folder in it. */
async function showTree(
  repository: Repository,
  name: string,
  filter: ReturnType<typeof filterOf>,
  context: CommandContext,
) {
  const { signal } = context;
  const [, wanted = name, folder = '/'] = /^([^:]+?):(\/.*)$/.exec(name) ?? [];
  let tree: BlobId | undefined;
  if (
    /^[0-9a-f]{64}$/.test(name) &&
    (await repository.blobIndex(signal)).has('tree', name as BlobId)
  ) {
    tree = name as BlobId;
  } else {
    const [snapshot] = await namedSnapshots(repository, [wanted], filter, context);
    const root = snapshot?.tree as BlobId;
    tree = /^\/+$/.test(folder) ? root : (await repository.findNode(root, folder))?.subtree;
  }
  if (tree === undefined) {
    throw usage(`${wanted} has no folder ${folder}`, 'Look with `lifeboat ls`.');
  }
  const bytes = await repository.readBlob('tree', tree, signal);
  show('tree', JSON.parse(Buffer.from(bytes).toString('utf8')), context);
}

function usage(fact: string, hint: string): LifeboatError {
  return new LifeboatError('usage.invalid', fact, { hint });
}
