import { dirname, resolve } from 'node:path';
import { LifeboatError } from '../core/index.ts';
import type { Repository, Snapshot } from '../repository/index.ts';
import type { CommandContext } from './command.ts';

interface TargetValues {
  readonly target: string | undefined;
  readonly inPlace: boolean | undefined;
  readonly path: string | undefined;
}

/** The folder that files are restored into. Errors: `usage.invalid`. */
export async function chooseTargetFolder(
  context: CommandContext,
  { target, inPlace, path }: TargetValues,
  repository: Repository,
  snapshot: Snapshot,
): Promise<string> {
  if (inPlace && target !== undefined) throw invalid('--in-place and --target exclude each other');
  if (!inPlace) {
    if (target === undefined) throw invalid('no folder to restore to');
    return resolve(context.folder, target);
  }
  await assertFromRoot(repository, snapshot);
  if (path === undefined) return '/';
  const place = resolve('/', path);
  const node = await repository.findNode(snapshot.tree, place);
  // The contents of a folder go to that folder, a file into the one it is in.
  return node === undefined || node.type === 'dir' ? place : dirname(place);
}

/** restic keeps relative paths as they were given: only what begins at the root says where it was. */
async function assertFromRoot(repository: Repository, { tree, paths }: Snapshot): Promise<void> {
  for (const path of paths) {
    const isThere = path === '/' || (await repository.findNode(tree, path)) !== undefined;
    // The others were gone when the backup was taken.
    if (isThere && path.startsWith('/')) return;
  }
  throw invalid(
    `the snapshot does not say where ${paths.join(', ')} was: it is not stored from the root on`,
  );
}

function invalid(fact: string): LifeboatError {
  return new LifeboatError('usage.invalid', fact, {
    hint: 'Name a folder with --target FOLDER, or give --in-place.',
  });
}
