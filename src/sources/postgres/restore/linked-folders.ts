import { lstat, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';

/** Where tablespaces and the WAL lie that are links: folders outside of the data directory that belong to it. */
export async function linkedFolders(folder: string): Promise<readonly string[]> {
  const names = await readdir(join(folder, 'pg_tblspc')).catch(() => []);
  const found: string[] = [];
  for (const path of ['pg_wal', ...names.map((name) => `pg_tblspc/${name}`)]) {
    const full = join(folder, path);
    const facts = await lstat(full).catch(() => undefined);
    // One that leads nowhere holds nothing.
    const real = facts?.isSymbolicLink() ? await realpath(full).catch(() => undefined) : undefined;
    if (real !== undefined) found.push(real);
  }
  return found;
}
