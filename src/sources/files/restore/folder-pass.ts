import { mkdirSync, readlinkSync, unlinkSync } from 'node:fs';
import { LifeboatError } from '../../../core/index.ts';
import type { TreeNode } from '../../../repository/index.ts';
import { listXattrs } from '../system/index.ts';
import { removeExtra } from './extra-entries.ts';
import { decidePlacement, type PassTools, restoreFile } from './file-pass.ts';
import type { FolderTask } from './messages.ts';
import { identityOf, type OpenFolder } from './open-folders.ts';
import { restoreOther } from './other-entries.ts';
import { decideOther } from './overwrite.ts';
import { lookAt } from './placement.ts';
import { entryProblem, systemErrorCode } from './system-error.ts';
import { joinPath, type ThreadState } from './thread-state.ts';
import { isWithin } from './whole-folders.ts';

/** Deeper than any program can walk by path. */
const maxPathLength = 32 * 1024;

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
      return;
    }
    const parentPath = this.#task.path;
    const place = { parent, parentPath, path, isFresh, inheritsAcl, folder, node };
    const placement = decidePlacement(this.#tools, place);
    if (placement === undefined) return;
    if ((node.links ?? 0) > 1 && node.inode !== undefined) {
      batch.linked.push({ parent, path: parentPath, node, isFresh, inheritsAcl, placement });
    } else await restoreFile(this.#tools, place, placement, undefined);
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
      const isFresh = this.#folder === undefined;
      batch.folders.push({ ...found, isSelected, isOurs: false, isFresh });
      return;
    }
    batch.counts.folders++;
    const folder = this.#forWriting();
    const isFresh = folder === undefined || this.#makeFolder(folder, node, path);
    if (isFresh === undefined) return;
    const isOurs = isFresh || !isOnTheWay(this.#tools.state, path);
    batch.folders.push({ ...found, isSelected, isOurs, isFresh });
  }

  /** True when it was made, undefined when it may not be. */
  #makeFolder(folder: OpenFolder, node: TreeNode, path: string): boolean | undefined {
    const { state, batch } = this.#tools;
    const name = state.reader.nameBytes(node.name);
    const place = Buffer.concat([folder.prefix, name]);
    const existing = this.#task.isFresh ? undefined : lookAt(folder, name);
    if (existing?.isDirectory()) return false;
    if (existing?.isSymbolicLink() && isOnTheWay(state, path)) {
      const fact = `is a link to ${readlinkSync(place)} here, and was left as it is`;
      const remedy = 'name what is below with --path to restore it where the link leads';
      batch.problems.add(path, `${fact}: ${remedy}`);
      return undefined;
    }
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

/** Of a restore in place: it only leads to what was backed up. */
function isOnTheWay({ setup }: ThreadState, path: string): boolean {
  const { wayStaysOutside } = setup;
  return wayStaysOutside !== undefined && !isWithin(path, wayStaysOutside);
}
