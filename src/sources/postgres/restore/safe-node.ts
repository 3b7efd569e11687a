import { LifeboatError } from '../../../core/index.ts';
import type { TreeNode } from '../../../repository/index.ts';

/**
 * Lets only plain files and folders with plain names pass. A repository may have been written by somebody else:
 * a link or a name with a slash would lead the restore out of its folder.
 */
export function checkSafeNode(node: TreeNode, folder: string): void {
  const { name, type } = node;
  const isPlain = name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name);
  if (isPlain && (type === 'file' || type === 'dir')) return;
  const what = isPlain ? `a ${type}` : 'a name that leaves its folder';
  throw new LifeboatError(
    'target.unsafe',
    `the snapshot holds ${what}: ${JSON.stringify(`${folder}/${name}`)}`,
    {
      hint: 'A data directory has only files and folders. Look at the snapshot with stock restic before you trust it.',
    },
  );
}
