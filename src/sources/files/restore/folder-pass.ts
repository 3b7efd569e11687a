import { mkdirSync, unlinkSync } from 'node:fs';
import { LifeboatError } from '../../../core/index.ts';
import type { TreeNode } from '../../../repository/index.ts';
import { listXattrs } from '../system/index.ts';
import { removeEntry, removeExtra } from './extra-entries.ts';
import { beginLargeFile } from './large-files.ts';
import type { FileTask, FolderTask } from './messages.ts';
import { identityOf, type OpenFolder } from './open-folders.ts';
import { restoreOther } from './other-entries.ts';
import { decideOther } from './overwrite.ts';
import { lookAt, placeFile } from './placement.ts';
import type { SmallFiles } from './small-files.ts';
import { entryProblem, systemErrorCode } from './system-error.ts';
import { type Batch, joinPath, type ThreadState } from './thread-state.ts';
import { isWithin } from './whole-folders.ts';

const smallBytes = 8 * 1024 * 1024;
const smallBlobs = 256;
/** Deeper than any program can walk by path. */
const maxPathLength = 32 * 1024;

/** What a folder pass works with. */
export interface PassTools {
  readonly state: ThreadState;
  readonly batch: Batch;
  readonly small: SmallFiles;
}

/**
 * Everything in one folder but the contents of its files, which are written together with others, and its own attributes,
 * which come when all below it is done.
 */
export async function passFolder(
  tools: PassTools,
  task: FolderTask,
  nodes: readonly TreeNode[] | LifeboatError,
): Promise<void> {
  const { batch } = tools;
  if (nodes instanceof LifeboatError) {
    batch.problems.add(task.path || '/', `with everything in it: ${nodes.message}`);
    return;
  }
  const pass = new FolderPass(tools, task);
  try {
    pass.enter();
    for (const node of nodes) await pass.restore(node);
    if (!task.isFresh) pass.removeExtra(nodes);
  } catch (error) {
    batch.problems.add(task.path || '/', entryProblem(error));
  } finally {
    pass.leave();
  }
}

/** A file that hard links wait for. */
export async function passFile(tools: PassTools, task: FileTask): Promise<void> {
  const { state, batch } = tools;
  const path = joinPath(task.path, task.node.name);
  let folder: OpenFolder | undefined;
  try {
    folder = state.holdFolder(task.path);
    await restoreFile(tools, { ...task, folder, parentPath: task.path, path });
  } catch (error) {
    batch.problems.add(path, entryProblem(error));
    batch.groups.push({ group: task.group, isThere: false });
  } finally {
    if (folder !== undefined) state.releaseFolder(task.path);
  }
}

class FolderPass {
  readonly #tools: PassTools;
  readonly #task: FolderTask;
  #folder: OpenFolder | undefined;
  #inheritsAcl: boolean;

  constructor(tools: PassTools, task: FolderTask) {
    this.#tools = tools;
    this.#task = task;
    this.#inheritsAcl = task.inheritsAcl;
  }

  /** A folder that is only passed through need not exist, nor does any for a plan. */
  enter(): void {
    const { state } = this.#tools;
    const { path, isFresh, isSelected } = this.#task;
    if (state.setup.isPlan && isFresh) return;
    try {
      this.#folder = state.holdFolder(path);
    } catch (error) {
      if (isSelected || systemErrorCode(error) !== 'ENOENT') throw error;
      return;
    }
    if (this.#folder === undefined || isFresh) return;
    const { spared } = state.setup;
    const { dev, ino } = identityOf(this.#folder);
    if (spared?.device === dev && spared.inode === ino) {
      throw new LifeboatError('target.unsafe', `${path} holds the repository itself`);
    }
    const acl = 'system.posix_acl_default';
    if (listXattrs(this.#folder.prefix).includes(acl)) this.#inheritsAcl = true;
  }

  leave(): void {
    if (this.#folder !== undefined) this.#tools.state.releaseFolder(this.#task.path);
  }

  async restore(node: TreeNode): Promise<void> {
    const { state, batch } = this.#tools;
    const path = joinPath(this.#task.path, node.name);
    const isFolder = node.type === 'dir';
    if (state.selection.isExcluded(path, isFolder)) return;
    const isSelected = this.#task.isSelected || state.selection.isIncluded(path, isFolder);
    try {
      if (isFolder) this.#enterBelow(node, path, isSelected);
      else if (isSelected) await this.#restoreEntry(node, path);
    } catch (error) {
      batch.problems.add(path, entryProblem(error));
    }
  }

  removeExtra(nodes: readonly TreeNode[]): void {
    const { state, batch } = this.#tools;
    if (this.#folder === undefined) return;
    const { deleteWithin, isPlan } = state.setup;
    const deleteExtra = isWithin(this.#task.path, deleteWithin);
    if (!deleteExtra && isPlan) return;
    const wanted = new Set(
      nodes.map(({ name }) => state.reader.nameBytes(name).toString('latin1')),
    );
    removeExtra(state, batch, this.#folder, this.#task.path, deleteExtra ? wanted : 'all');
  }

  async #restoreEntry(node: TreeNode, path: string): Promise<void> {
    const { state, batch } = this.#tools;
    if (node.type === 'socket') {
      batch.counts.socketsSkipped++;
      return;
    }
    const folder = this.#forWriting();
    const { folder: parent, isFresh } = this.#task;
    const inheritsAcl = this.#inheritsAcl;
    if (node.type !== 'file') {
      const name = state.reader.nameBytes(node.name);
      if (folder === undefined) batch.counts.otherEntries++;
      else restoreOther(state, batch, { folder, name, path, isFresh }, node);
    } else if ((node.links ?? 0) > 1 && node.inode !== undefined && !state.setup.isPlan) {
      const parentPath = this.#task.path;
      batch.linked.push({ parent, path: parentPath, node, isFresh, inheritsAcl });
    } else {
      const place = { parent, parentPath: this.#task.path, path, isFresh, inheritsAcl };
      await restoreFile(this.#tools, { ...place, folder, node, group: undefined });
    }
  }

  #enterBelow(node: TreeNode, path: string, isSelected: boolean): void {
    const { batch } = this.#tools;
    if (path.length > maxPathLength || node.subtree === undefined) {
      batch.problems.add(path.slice(0, 1000), 'lies too deep');
      return;
    }
    const found = { parent: this.#task.folder, path, node, inheritsAcl: this.#inheritsAcl };
    if (!isSelected) {
      // Made when something in it is wanted.
      batch.folders.push({ ...found, isSelected, isFresh: this.#folder === undefined });
      return;
    }
    batch.counts.folders++;
    const folder = this.#forWriting();
    const isFresh = folder === undefined || this.#makeFolder(folder, node);
    if (isFresh !== undefined) batch.folders.push({ ...found, isSelected, isFresh });
  }

  /** True when it was made, undefined when it may not be. */
  #makeFolder(folder: OpenFolder, node: TreeNode): boolean | undefined {
    const { state, batch } = this.#tools;
    const name = state.reader.nameBytes(node.name);
    const place = Buffer.concat([folder.prefix, name]);
    const existing = this.#task.isFresh ? undefined : lookAt(folder, name);
    if (existing?.isDirectory()) return false;
    if (existing !== undefined) {
      if (decideOther(state.setup.overwrite, node, existing) === 'keep') {
        batch.counts.keptEntries++;
        return undefined;
      }
      batch.counts.replacedOthers++;
      if (!state.setup.isPlan) unlinkSync(place);
    }
    if (!state.setup.isPlan) mkdirSync(place, { mode: 0o700 });
    return true;
  }

  /** The folder, made with those above it when it was only passed through so far. */
  #forWriting(): OpenFolder | undefined {
    const { state, batch } = this.#tools;
    if (this.#folder !== undefined || state.setup.isPlan) return this.#folder;
    this.#folder = state.holdFolder(this.#task.path, batch.made);
    return this.#folder;
  }
}

interface FilePlace {
  /** Absent for a plan where there is none yet. */
  readonly folder: OpenFolder | undefined;
  readonly parent: number;
  readonly parentPath: string;
  readonly path: string;
  readonly node: TreeNode;
  readonly isFresh: boolean;
  readonly inheritsAcl: boolean;
  readonly group: string | undefined;
}

async function restoreFile(tools: PassTools, file: FilePlace): Promise<void> {
  const { state, batch, small } = tools;
  const { folder, node, path, group } = file;
  const { counts } = batch;
  const { setup, reader } = state;
  const name = reader.nameBytes(node.name);
  const nodeBytes = node.sizeBytes ?? 0;
  const isOpen = folder !== undefined && !file.isFresh;
  const decision = isOpen ? placeFile(state, folder, name, node) : 'create';
  if (decision === 'keep') counts.keptEntries++;
  if (decision === 'same') {
    counts.sameFiles++;
    counts.sameBytes += nodeBytes;
    if (!setup.isPlan && folder) state.attributes.finish(folder, name, node, path, batch.problems);
  }
  if (decision === 'keep' || decision === 'same') {
    if (group !== undefined) batch.groups.push({ group, isThere: true });
    return;
  }
  const isReplacing = decision === 'replace';
  if (setup.isPlan || folder === undefined) {
    counts[isReplacing ? 'replacedFiles' : 'newFiles']++;
    counts[isReplacing ? 'replacedBytes' : 'newBytes'] += nodeBytes;
    return;
  }
  if (isReplacing && isWithin(path, setup.deleteWithin))
    clearFolder(state, batch, folder, name, path);
  const content = node.content ?? [];
  let sizeBytes = 0;
  for (const id of content) {
    sizeBytes += reader.plainBytesOf('data', id) ?? smallBytes;
    if (sizeBytes > smallBytes) break;
  }
  const isLarge = content.length > 1 && (sizeBytes > smallBytes || content.length > smallBlobs);
  if (isLarge) beginLargeFile(state, batch, { ...file, folder, isReplacing });
  else {
    const isPlain =
      file.isFresh && !file.inheritsAcl && !isReplacing && node.extendedAttributes === undefined;
    const { parentPath } = file;
    await small.add({
      folder,
      parentPath,
      name,
      path,
      node,
      isReplacing,
      isPlain,
      sizeBytes,
      group,
    });
  }
}

/** `--delete` takes a whole folder away that stands where a file belongs. */
function clearFolder(
  state: ThreadState,
  batch: Batch,
  folder: OpenFolder,
  name: Buffer,
  path: string,
): void {
  const existing = lookAt(folder, name);
  if (existing?.isDirectory()) removeEntry(state, batch, folder, name, path, existing.dev);
}
