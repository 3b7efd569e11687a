import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileError } from '../core/index.ts';

/** SHA-256 of each file that is there, by path; one that is gone is left out, which a comparison tells. */
export async function hashFiles(
  paths: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  const hashes: Record<string, string> = {};
  for (const path of paths) {
    try {
      hashes[path] = createHash('sha256')
        .update(await readFile(path))
        .digest('hex');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
      throw fileError(error, `cannot read ${path}`);
    }
  }
  return hashes;
}
