import { LifeboatError } from '../../../core/index.ts';
import type { BlobId, Repository, Snapshot } from '../../../repository/index.ts';

/** Where in a snapshot a restore begins. */
export interface ChosenEntry {
  readonly tree: BlobId;
  /** Its path in the snapshot, without slashes at its ends. */
  readonly folder: string;
  /** Pattern of the one entry that is wanted in it. */
  readonly only: string | undefined;
  readonly isWhole: boolean;
}

/** Errors: `usage.invalid` when the snapshot has no such path. */
export async function chooseEntry(
  repository: Repository,
  snapshot: Snapshot,
  path: string | undefined,
): Promise<ChosenEntry> {
  const names = (path ?? '').split('/').filter((name) => name !== '');
  if (names.length === 0)
    return { tree: snapshot.tree, folder: '', only: undefined, isWhole: true };
  const node = await repository.findNode(snapshot.tree, names.join('/'));
  if (node === undefined) {
    throw new LifeboatError('usage.invalid', `the snapshot has no ${path}`, {
      hint: `It holds ${snapshot.paths.join(', ')}. \`lifeboat ls ${snapshot.id.slice(0, 8)}\` lists everything.`,
    });
  }
  if (node.subtree !== undefined) {
    const place = names.join('/');
    return { tree: node.subtree, folder: place, only: undefined, isWhole: false };
  }
  const folder = names.slice(0, -1).join('/');
  const parent = folder === '' ? undefined : await repository.findNode(snapshot.tree, folder);
  const only = `/${node.name.replace(/[\\*?[\]! #]/g, '\\$&')}`;
  return { tree: parent?.subtree ?? snapshot.tree, folder, only, isWhole: false };
}
