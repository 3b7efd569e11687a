import {
  chmod,
  chown,
  lstat,
  mkdir,
  readdir,
  readlink,
  rename,
  rm,
  rmdir,
  stat,
} from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileError, LifeboatError, syncFolder } from '../../../core/index.ts';
import { isAlive } from '../server/index.ts';
import { refuseRunning } from './running-server.ts';
import type { StoppedCluster } from './stopped-cluster.ts';
import {
  beginUnfinished,
  markerName,
  readUnfinished,
  type UnfinishedRestore,
} from './unfinished-restore.ts';

/**
 * Moves the whole data directory to another name, where it stays as it is, and puts an empty one in its place that says what it is
 * for. After an error all is as it was. Errors: `target.not-empty`, `target.unsafe`, `target.in-use`.
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
    await makeStage(stage, await stat(folder));
    await beginUnfinished(stage, facts);
    await swap(folder, kept, stage);
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

async function swap(folder: string, kept: string, stage: string): Promise<void> {
  let isMoved = false;
  try {
    await refuseRunning(folder);
    await rename(folder, kept);
    isMoved = true;
    // One that was started in between works in the folder, whatever its name is now.
    await refuseRunning(kept);
    await rename(stage, folder);
  } catch (error) {
    if (isMoved) await rename(kept, folder);
    await rm(stage, { recursive: true, force: true });
    throw error;
  }
}

async function makeStage(
  stage: string,
  { mode, uid, gid }: { readonly mode: number; readonly uid: number; readonly gid: number },
): Promise<void> {
  try {
    await mkdir(stage, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if (!(await isStage(stage))) {
      throw new LifeboatError('target.not-empty', `there is something at ${stage} already`, {
        hint: 'That name is needed for a moment: move it away.',
        context: { folder: stage },
      });
    }
  }
  await chmod(stage, mode & 0o7777);
  if (process.getuid?.() === 0) await chown(stage, uid, gid);
}

/**
 * A process that was killed between the two renames left no folder: the second is done now. What one that was killed before the
 * first left is removed.
 */
export async function finishKeeping(path: string): Promise<void> {
  const folder = await followLinks(path);
  const stage = stageOf(folder);
  if (!(await isStage(stage))) return;
  const begun = await readUnfinished(stage);
  if (begun?.owner && (await isAlive(begun.owner))) return;
  const isThere = await stat(folder).then(
    () => true,
    () => false,
  );
  if (isThere || begun === undefined) {
    await rm(stage, { recursive: true, force: true });
    return;
  }
  await rename(stage, folder);
  await syncFolder(dirname(folder));
}

/** Where a path leads, also when there is nothing. */
async function followLinks(path: string): Promise<string> {
  let at = resolve(path);
  for (let links = 0; links < 40; links++) {
    const facts = await lstat(at).catch(() => undefined);
    if (!facts?.isSymbolicLink()) return at;
    at = resolve(dirname(at), await readlink(at));
  }
  return at;
}

/** Ours, with nothing in it but what it is for. */
async function isStage(path: string): Promise<boolean> {
  const facts = await lstat(path).catch(() => undefined);
  if (!facts?.isDirectory()) return false;
  return (await readdir(path)).every((name) => name.startsWith(markerName));
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
