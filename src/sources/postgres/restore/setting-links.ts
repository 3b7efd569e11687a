import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, LifeboatError } from '../../../core/index.ts';
import type { TreeNode } from '../../../repository/index.ts';

/** Files that the server itself makes: a link there is nobody's setting. */
const serverFiles: ReadonlySet<string> = new Set([
  'PG_VERSION',
  'backup_label',
  'tablespace_map',
  'recovery.signal',
  'standby.signal',
]);

/** Folders whose contents no server needs after a restart. */
const clearedFolders: ReadonlySet<string> = new Set([
  'pg_dynshmem',
  'pg_notify',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
]);

/**
 * Names of links at the top of a data directory that stay what they are: settings and certificates lie where the host wants them, and
 * a base backup leaves them out. Errors: `target.unsafe` for a link in the place of a folder, which would not be restored.
 */
export async function settingLinks(
  folder: string,
  nodes: readonly TreeNode[],
): Promise<ReadonlySet<string>> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error) => {
    throw fileError(error, `could not look at ${folder}`);
  });
  const found = new Set<string>();
  for (const entry of entries) {
    const { name } = entry;
    if (!entry.isSymbolicLink() || name === 'pg_wal' || serverFiles.has(name)) continue;
    const isFolder = nodes.some((node) => node.name === name && node.type === 'dir');
    if (isFolder && !clearedFolders.has(name)) {
      throw new LifeboatError(
        'target.unsafe',
        `${join(folder, name)} is a link, the snapshot has a folder there`,
        {
          hint: 'Only pg_wal and tablespaces may lie elsewhere. Put the folder itself in its place, or give --keep-old FOLDER.',
          context: { folder, name },
        },
      );
    }
    found.add(name);
  }
  return found;
}
