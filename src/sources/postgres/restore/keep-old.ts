import { chmod, chown, mkdir, readdir, rename, rmdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileError, LifeboatError, syncFolder } from '../../../core/index.ts';
import type { StoppedCluster } from './stopped-cluster.ts';
import { beginUnfinished, readUnfinished, type UnfinishedRestore } from './unfinished-restore.ts';

/**
 * Moves the whole data directory to another name, where it stays as it is, and puts an empty one in its place that says what it is
 * for. Errors: `target.not-empty`, `target.unsafe`.
 */
export async function keepOld(
  cluster: StoppedCluster,
  to: string,
  facts: UnfinishedRestore,
): Promise<void> {
  const { folder } = cluster;
  const kept = resolve(to);
  if (kept === folder || kept.startsWith(`${folder}/`)) {
    throw new LifeboatError('target.unsafe', `${kept} lies inside of what is to be kept`, {
      hint: `Name a folder beside ${folder}.`,
    });
  }
  const stage = stageOf(folder);
  try {
    await refuseFull(kept);
    const { mode, uid, gid } = await stat(folder);
    await mkdir(stage, { recursive: true, mode: 0o700 });
    await chmod(stage, mode & 0o7777);
    if (process.getuid?.() === 0) await chown(stage, uid, gid);
    await beginUnfinished(stage, facts);
    await rename(folder, kept);
    await rename(stage, folder);
    await syncFolder(dirname(folder));
    await syncFolder(dirname(kept));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (!['EXDEV', 'EBUSY'].includes(code))
      throw fileError(error, `could not move ${folder} to ${kept}`);
    throw new LifeboatError('target.unsafe', `${folder} cannot be renamed to ${kept}`, {
      hint: 'It is a mount point, or they lie on different file systems. Without --keep-old its state is kept as a snapshot.',
      cause: error,
    });
  }
}

/** A process that was killed between the two renames left no folder: the second is done now. */
export async function finishKeeping(folder: string): Promise<void> {
  const isThere = await stat(folder).then(
    () => true,
    () => false,
  );
  const stage = stageOf(folder);
  if (isThere || (await readUnfinished(stage)) === undefined) return;
  await rename(stage, folder);
  await syncFolder(dirname(folder));
}

function stageOf(folder: string): string {
  return `${folder}.restoring`;
}

/** What is there must be an empty folder, or nothing. */
async function refuseFull(path: string): Promise<void> {
  try {
    if ((await readdir(path)).length === 0) return await rmdir(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') return;
    if (code !== 'ENOTDIR') throw error;
  }
  throw new LifeboatError('target.not-empty', `there is something at ${path} already`, {
    hint: 'Name a folder that does not exist for the old data.',
    context: { folder: path },
  });
}
