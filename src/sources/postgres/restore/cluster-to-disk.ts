import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError } from '../../../core/index.ts';
import { linkedFolders } from './linked-folders.ts';

/** More are under way than threads wait for a disk, so that none of these is without work. */
const filesAtOnce = 8;

/**
 * A data directory, with tablespaces and WAL that lie elsewhere, survives a loss of power as it is when this began. What a server removes
 * meanwhile is passed over. Errors: `disk.full`, `file.unreadable`: then nothing is known about what was written, and nobody
 * will be told again.
 */
export async function bringClusterToDisk(folder: string): Promise<void> {
  const files: string[] = [];
  const folders: string[] = [];
  for (const each of [folder, ...(await linkedFolders(folder))]) await list(each, files, folders);
  await syncAll(files);
  // Their entries last: what they name is there by then.
  await syncAll(folders);
}

async function list(folder: string, files: string[], folders: string[]): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(gone(folder));
  if (entries === undefined) return;
  folders.push(folder);
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await list(path, files, folders);
    else if (entry.isFile()) files.push(path);
  }
}

async function syncAll(paths: readonly string[]): Promise<void> {
  const queue = paths.values();
  const work = async () => {
    // The workers share one iterator: each takes the next that nobody has.
    for (const path of queue) await sync(path);
  };
  const outcomes = await Promise.allSettled(Array.from({ length: filesAtOnce }, work));
  const failed = outcomes.find((each) => each.status === 'rejected');
  if (failed) throw failed.reason;
}

/** Whoever wrote it: that is no matter of the descriptor. */
async function sync(path: string): Promise<void> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch(gone(path));
  if (file === undefined) return;
  try {
    await file.sync();
  } catch (error) {
    throw fileError(error, `could not bring ${path} to the disk`);
  } finally {
    await file.close();
  }
}

function gone(path: string) {
  return (error: NodeJS.ErrnoException): undefined => {
    if (error.code === 'ENOENT') return undefined;
    throw fileError(error, `could not bring ${path} to the disk`);
  };
}
