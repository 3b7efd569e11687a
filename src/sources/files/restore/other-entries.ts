import { type BigIntStats, readlinkSync, symlinkSync } from 'node:fs';
import type { TreeNode } from '../../../repository/index.ts';
import { makeNode } from '../system/index.ts';
import { clearFolder } from './extra-entries.ts';
import type { OpenFolder } from './open-folders.ts';
import { decideOther } from './overwrite.ts';
import { lookAt, putInPlace, removeQuietly } from './placement.ts';
import { entryProblem } from './system-error.ts';
import type { Batch, ThreadState } from './thread-state.ts';

/** Where an entry belongs. */
export interface EntryPlace {
  readonly folder: OpenFolder;
  readonly name: Buffer;
  readonly path: string;
  readonly isFresh: boolean;
}

/** A symbolic link, FIFO or device. */
export function restoreOther(
  state: ThreadState,
  batch: Batch,
  place: EntryPlace,
  node: TreeNode,
): void {
  const { folder, name, path } = place;
  try {
    const existing = place.isFresh ? undefined : lookAt(folder, name);
    const isRight = existing !== undefined && isEqual(state, folder, name, node, existing);
    if (existing !== undefined && !isRight) {
      if (decideOther(state.setup.overwrite, node, existing) === 'keep') {
        batch.counts.keptEntries++;
        return;
      }
    }
    if (existing !== undefined && isRight && state.setup.overwrite === 'never') {
      batch.counts.keptEntries++;
      return;
    }
    batch.counts.otherEntries++;
    if (existing !== undefined && !isRight) {
      batch.counts.replacedOthers++;
      clearFolder(state, batch, folder, name, path);
    }
    if (state.setup.isPlan) return;
    if (!isRight) {
      const make = (at: Buffer) => makeOther(state, at, node);
      inPlaceOf(state, folder, name, make);
    }
    state.attributes.finish(folder, name, node, path, batch.problems);
  } catch (error) {
    batch.problems.add(path, `could not be made: ${entryProblem(error)}`);
  }
}

/** Made in its place, or beside it and then put there: there is the old entry or the new one. */
export function inPlaceOf(
  state: ThreadState,
  folder: OpenFolder,
  name: Buffer,
  make: (at: Buffer) => void,
): void {
  if (lookAt(folder, name) === undefined) {
    make(Buffer.concat([folder.prefix, name]));
    return;
  }
  const temporary = Buffer.from(state.temporaryName());
  try {
    make(Buffer.concat([folder.prefix, temporary]));
    putInPlace(folder, temporary, name);
  } catch (error) {
    removeQuietly(folder, temporary);
    throw error;
  }
}

function makeOther(state: ThreadState, at: Buffer, node: TreeNode): void {
  if (node.type === 'symlink') symlinkSync(state.reader.nameBytes(node.linkTarget ?? ''), at);
  else makeNode(at, node.type as 'fifo' | 'dev' | 'chardev', 0o600, node.device);
}

function isEqual(
  state: ThreadState,
  folder: OpenFolder,
  name: Buffer,
  node: TreeNode,
  existing: BigIntStats,
): boolean {
  if (node.type === 'fifo') return existing.isFIFO();
  if (node.type === 'dev' || node.type === 'chardev') {
    const isType = node.type === 'dev' ? existing.isBlockDevice() : existing.isCharacterDevice();
    return isType && existing.rdev === (node.device ?? 0n);
  }
  if (!existing.isSymbolicLink()) return false;
  const place = Buffer.concat([folder.prefix, name]);
  const target = readlinkSync(place, { encoding: 'buffer' });
  return target.equals(state.reader.nameBytes(node.linkTarget ?? ''));
}
