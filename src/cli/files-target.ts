import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { LifeboatError } from '../core/index.ts';
import type { Repository, Snapshot } from '../repository/index.ts';
import type { CommandContext } from './command.ts';
import { refuseVolumeInPlace, type VolumeOfSource } from './volume-target.ts';

interface TargetValues {
  readonly target: string | undefined;
  readonly inPlace: boolean | undefined;
  readonly path: string | undefined;
}

/** Where files are restored to, and what of the snapshot. */
export interface FilesTarget {
  readonly target: string;
  readonly path: string | undefined;
  /** It is to have the attributes of the stored folder, too. */
  readonly isFolderItself: boolean;
  /** It is not there yet, and this makes it, and says where it is. */
  readonly make?: () => Promise<string>;
}

/** Errors: `usage.invalid`, `volume.*`. */
export async function chooseTarget(
  context: CommandContext,
  values: TargetValues,
  repository: Repository,
  snapshot: Snapshot,
  volume: VolumeOfSource | undefined,
): Promise<FilesTarget> {
  const { target, inPlace, path } = values;
  if (inPlace && target !== undefined) throw invalid('--in-place and --target exclude each other');
  if (!inPlace) {
    if (target === undefined) throw invalid('no folder to restore to');
    const folder = resolve(context.folder, target);
    if (volume === undefined) return { target: folder, path, isFolderItself: false };
    // A folder that is there may be anyone's.
    const isFolderItself = !existsSync(folder);
    return { target: folder, path: volume.pathIn(snapshot, path), isFolderItself };
  }
  if (volume !== undefined) return await placeInVolume(volume, repository, snapshot, path);
  refuseVolumeInPlace(snapshot);
  await assertFromRoot(repository, snapshot);
  const place = path === undefined ? '/' : resolve('/', path);
  const folder = await folderFor(place, repository, snapshot);
  return { target: folder, path, isFolderItself: false };
}

/** The contents of a folder go to that folder, a file into the one it is in. */
async function folderFor(
  place: string,
  repository: Repository,
  { tree }: Snapshot,
): Promise<string> {
  const node = await repository.findNode(tree, place);
  return node === undefined || node.type === 'dir' ? place : dirname(place);
}

/** The volume is where its engine has it now, which need not be where it was. */
async function placeInVolume(
  volume: VolumeOfSource,
  repository: Repository,
  snapshot: Snapshot,
  wanted: string | undefined,
): Promise<FilesTarget> {
  const [root = '/'] = snapshot.paths;
  const path = volume.pathIn(snapshot, wanted);
  const below = relative(root, await folderFor(path, repository, snapshot));
  const folder = await volume.folder();
  if (folder !== undefined) return { target: join(folder, below), path, isFolderItself: true };
  // Nothing is there to be compared with.
  const make = async () => join(await volume.make(), below);
  return { target: join(root, below), path, isFolderItself: true, make };
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
