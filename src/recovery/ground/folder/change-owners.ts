import { lstatSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { throwIfAborted } from '../../../core/index.ts';
import type { FolderActions } from './folder-actions.ts';

const slash = Buffer.from('/');

/** Gives a folder and all that is in it to somebody. Links are not followed. */
export async function changeOwners(
  root: Buffer,
  owner: { readonly uid: number; readonly gid: number },
  actions: FolderActions,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (lstatSync(root).isDirectory()) {
    for (const name of await readdir(root, { encoding: 'buffer' })) {
      throwIfAborted(signal);
      await changeOwners(Buffer.concat([root, slash, name]), owner, actions, signal);
    }
  }
  await actions.setOwner(root, owner.uid, owner.gid);
}
