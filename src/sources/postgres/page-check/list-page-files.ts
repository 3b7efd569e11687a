import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError } from '../../../core/index.ts';
import { parseRelationFile, type RelationFile } from '../base-backup/relation-file.ts';

export interface PageFile extends RelationFile {
  /** Relative to the data directory. */
  readonly path: string;
  readonly bytes: number;
}

/** Every file of pages of a data directory whose tablespaces are folders in it. Files that go meanwhile are left out. */
export async function listPageFiles(dataFolder: string): Promise<readonly PageFile[]> {
  const found: PageFile[] = [];
  const walk = async (folder: string): Promise<void> => {
    for (const entry of await entriesOf(join(dataFolder, folder))) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory() || (entry.isSymbolicLink() && folder === 'pg_tblspc'))
        await walk(path);
      const relation = entry.isFile() ? parseRelationFile(path) : undefined;
      if (relation === undefined) continue;
      const seen = await stat(join(dataFolder, path)).catch(absent);
      if (seen !== undefined) found.push({ path, bytes: seen.size, ...relation });
    }
  };
  for (const folder of ['global', 'base', 'pg_tblspc']) await walk(folder);
  return found;
}

async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  return (await readdir(folder, { withFileTypes: true }).catch(absent)) ?? [];
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
  throw fileError(error, 'could not list the data directory');
}
