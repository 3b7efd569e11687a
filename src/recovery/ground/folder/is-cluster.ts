import { lstat } from 'node:fs/promises';
import { join } from 'node:path';

/** Whether a tree is a data directory of PostgreSQL. */
export async function isCluster(folder: string): Promise<boolean> {
  return await lstat(join(folder, 'PG_VERSION')).then(
    () => true,
    () => false,
  );
}
