import { constants, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { closeDescriptor, openAt } from '../system/index.ts';
import { countDeleted, countLeftOut } from './counts.ts';
import { identityOf, type OpenFolder } from './open-folders.ts';
import { lookAt } from './placement.ts';
import { entryProblem } from './system-error.ts';
import { type Batch, isLeftover, joinPath, type ThreadState } from './thread-state.ts';
import { isWithin } from './whole-folders.ts';

/** Removes, or for a plan counts, what is in a folder and not in the snapshot. Excluded entries stay, here and in the backup. */
export function removeExtra(
  state: ThreadState,
  batch: Batch,
  folder: OpenFolder,
  path: string,
  /** Names that stay. */
  wanted: ReadonlySet<string> | 'all',
): void {
  const { setup } = state;
  const { dev } = identityOf(folder);
  const names = readdirSync(folder.prefix, { encoding: 'buffer' });
  const isMounted = wanted !== 'all' && state.deletableDevice(path) !== dev;
  const isMarked = wanted !== 'all' && isMarkedFolder(state, folder, names, wanted);
  for (const name of names) {
    // As bytes in Latin-1: names that are no UTF-8 stay what they are.
    const key = name.toString('latin1');
    const isOurs = isLeftover(key, setup.run);
    if (isOurs ? setup.isPlan : wanted === 'all' || wanted.has(key)) continue;
    const entryPath = joinPath(path, name.toString('utf8'));
    try {
      if (isOurs) unlinkSync(Buffer.concat([folder.prefix, name]));
      else if (isMounted || isMarked) countLeftOut(batch.counts, entryPath);
      else removeEntry(state, batch, folder, name, entryPath, dev);
    } catch (error) {
      batch.problems.add(entryPath, `could not be deleted: ${entryProblem(error)}`);
    }
  }
}

function isMarkedFolder(
  { leftOut }: ThreadState,
  folder: OpenFolder,
  names: readonly Buffer[],
  stored?: ReadonlySet<string>,
): boolean {
  if (leftOut === undefined) return false;
  const texts = names.map((name) => name.toString('latin1'));
  return leftOut.isMarked(folder, texts, stored);
}

/** With everything below it, but nothing on another file system. True when it is gone. */
export function removeEntry(
  state: ThreadState,
  batch: Batch,
  folder: OpenFolder,
  name: Buffer,
  path: string,
  device: bigint,
): boolean {
  const { selection, setup } = state;
  const place = Buffer.concat([folder.prefix, name]);
  const found = lookAt(folder, name);
  if (found === undefined) return true;
  const isFolder = found.isDirectory();
  if (selection.isExcluded(path, isFolder)) return false;
  if (!isFolder && !selection.isIncluded(path, false)) return false;
  if (state.leftOut?.matches(path, isFolder, found.size)) {
    countLeftOut(batch.counts, path);
    return false;
  }
  let isEmpty = true;
  if (isFolder) {
    const { spared } = setup;
    const isSpared = spared?.device === found.dev && spared.inode === found.ino;
    if (isSpared || found.dev !== device) {
      const what = isSpared ? 'holds the repository' : 'is on another file system';
      batch.problems.add(path, `was not deleted: it ${what}`);
      return false;
    }
    isEmpty = removeContents(state, batch, folder, name, path, device);
    if (!isEmpty || !selection.isIncluded(path, true)) return false;
  }
  countDeleted(batch.counts, path);
  if (setup.isPlan) return true;
  if (isFolder) rmdirSync(place);
  else unlinkSync(place);
  return true;
}

/** `--delete` takes a whole folder away that stands where something else belongs. */
export function clearFolder(
  state: ThreadState,
  batch: Batch,
  folder: OpenFolder,
  name: Buffer,
  path: string,
): void {
  if (!isWithin(path, state.setup.deleteWithin)) return;
  const existing = lookAt(folder, name);
  if (!existing?.isDirectory()) return;
  const isGone = removeEntry(state, batch, folder, name, path, existing.dev);
  if (!isGone && state.setup.isPlan) {
    batch.problems.add(path, 'a folder stands in its place, and not all in it may be deleted');
  }
}

function removeContents(
  state: ThreadState,
  batch: Batch,
  parent: OpenFolder,
  name: Buffer,
  path: string,
  device: bigint,
): boolean {
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
  const fd = openAt(parent.fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  try {
    const folder = { fd, prefix: Buffer.from(`/proc/self/fd/${fd}/`) };
    let isEmpty = true;
    const names = readdirSync(folder.prefix, { encoding: 'buffer' });
    if (isMarkedFolder(state, folder, names)) {
      countLeftOut(batch.counts, path);
      return false;
    }
    for (const each of names) {
      const below = joinPath(path, each.toString('utf8'));
      try {
        if (!removeEntry(state, batch, folder, each, below, device)) isEmpty = false;
      } catch (error) {
        isEmpty = false;
        batch.problems.add(below, `could not be deleted: ${entryProblem(error)}`);
      }
    }
    return isEmpty;
  } finally {
    closeDescriptor(fd);
  }
}
