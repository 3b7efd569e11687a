import { type BigIntStats, constants, lstatSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import type { BlobReader, TreeNode } from '../../../repository/index.ts';
import { closeDescriptor, openAt } from '../system/index.ts';
import { holdsContent } from './file-bytes.ts';
import type { OpenFolder } from './open-folders.ts';
import { type Decision, decideFile } from './overwrite.ts';
import { systemErrorCode } from './system-error.ts';
import type { ThreadState } from './thread-state.ts';

/** The entry at a name, not followed; undefined when there is none. */
export function lookAt(folder: OpenFolder, name: Buffer): BigIntStats | undefined {
  try {
    return lstatSync(Buffer.concat([folder.prefix, name]), { bigint: true });
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** What to do with a file of the snapshot, seen what is in its place. */
export function placeFile(
  { setup, reader }: ThreadState,
  folder: OpenFolder,
  name: Buffer,
  node: TreeNode,
): Decision | 'create' {
  const existing = lookAt(folder, name);
  if (existing === undefined) return 'create';
  const decision = decideFile(setup.overwrite, node, existing);
  const byContent = setup.verifyExisting && decision !== 'keep' && existing.isFile();
  if (!byContent) return decision;
  return hasContentOf(reader, folder, name, node) ? 'same' : 'replace';
}

function hasContentOf(
  reader: BlobReader,
  folder: OpenFolder,
  name: Buffer,
  node: TreeNode,
): boolean {
  // A FIFO that comes to its place meanwhile must not make us wait.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const fd = openAt(folder.fd, name, flags);
  try {
    const { size } = lookAt(folder, name) ?? { size: -1n };
    return holdsContent(fd, node.content ?? [], Number(size), reader);
  } finally {
    closeDescriptor(fd);
  }
}

/** Puts what was made under a temporary name into its place: there is the old entry or the new one, never neither. */
export function putInPlace(folder: OpenFolder, temporary: Buffer, name: Buffer): void {
  const from = Buffer.concat([folder.prefix, temporary]);
  const to = Buffer.concat([folder.prefix, name]);
  try {
    renameSync(from, to);
  } catch (error) {
    if (systemErrorCode(error) !== 'EISDIR') throw error;
    // Only when it is empty.
    rmdirSync(to);
    renameSync(from, to);
  }
}

export function removeQuietly(folder: OpenFolder, name: Buffer): void {
  try {
    unlinkSync(Buffer.concat([folder.prefix, name]));
  } catch {}
}
