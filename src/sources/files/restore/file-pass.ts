import type { TreeNode } from '../../../repository/index.ts';
import { clearFolder } from './extra-entries.ts';
import { beginLargeFile } from './large-files.ts';
import type { FileTask } from './messages.ts';
import type { OpenFolder } from './open-folders.ts';
import type { Placement } from './overwrite.ts';
import { placeFile } from './placement.ts';
import type { SmallFiles } from './small-files.ts';
import { entryProblem } from './system-error.ts';
import { type Batch, joinPath, type ThreadState } from './thread-state.ts';

const smallBytes = 8 * 1024 * 1024;
const smallBlobs = 256;

/** What tasks of a batch work with. */
export interface PassTools {
  readonly state: ThreadState;
  readonly batch: Batch;
  readonly small: SmallFiles;
}

export interface FilePlace {
  /** Absent for a plan where there is none yet. */
  readonly folder: OpenFolder | undefined;
  readonly parent: number;
  readonly parentPath: string;
  readonly path: string;
  readonly node: TreeNode;
  readonly isFresh: boolean;
  readonly inheritsAcl: boolean;
}

/** What is to be done for a file; undefined, and counted, when what is there is left alone. */
export function decidePlacement(
  { state, batch }: PassTools,
  { folder, node, isFresh }: Pick<FilePlace, 'folder' | 'node' | 'isFresh'>,
): Placement | undefined {
  if (folder === undefined || isFresh) return 'create';
  const decision = placeFile(state, folder, state.reader.nameBytes(node.name), node);
  if (decision !== 'keep') return decision;
  batch.counts.keptEntries++;
  batch.bytesPassed += node.sizeBytes ?? 0;
  return undefined;
}

/** A file that hard links wait for. */
export async function passFile(tools: PassTools, task: FileTask): Promise<void> {
  const { state, batch } = tools;
  const { node, group, placement } = task;
  const path = joinPath(task.path, node.name);
  const isUnseen = state.setup.isPlan && task.isFresh;
  let folder: OpenFolder | undefined;
  try {
    if (!isUnseen) folder = state.holdFolder(task.path);
    const place = { ...task, folder, parentPath: task.path, path };
    await restoreFile(tools, place, placement, group);
  } catch (error) {
    batch.problems.add(path, entryProblem(error));
    batch.groups.push({ group, isThere: false });
  } finally {
    if (folder !== undefined) state.releaseFolder(task.path);
  }
}

/** Writes it, or has it written with others; hard links of `group` wait for it. */
export async function restoreFile(
  tools: PassTools,
  file: FilePlace,
  placement: Placement,
  group: string | undefined,
): Promise<void> {
  const { state, batch, small } = tools;
  const { folder, node, path, parentPath } = file;
  const { counts } = batch;
  const { setup, reader } = state;
  const name = reader.nameBytes(node.name);
  const nodeBytes = node.sizeBytes ?? 0;
  if (placement === 'same') {
    counts.sameFiles++;
    counts.sameBytes += nodeBytes;
    if (!setup.isPlan && folder) state.attributes.finish(folder, name, node, path, batch.problems);
    if (group !== undefined) batch.groups.push({ group, isThere: true });
    return;
  }
  const isReplacing = placement === 'replace';
  if (isReplacing && folder) clearFolder(state, batch, folder, name, path);
  if (setup.isPlan || folder === undefined) {
    counts[isReplacing ? 'replacedFiles' : 'newFiles']++;
    counts[isReplacing ? 'replacedBytes' : 'newBytes'] += nodeBytes;
    if (group !== undefined) batch.groups.push({ group, isThere: true });
    return;
  }
  const content = node.content ?? [];
  let sizeBytes = 0;
  for (const id of content) {
    sizeBytes += reader.plainBytesOf('data', id) ?? smallBytes;
    if (sizeBytes > smallBytes) break;
  }
  const isLarge = content.length > 1 && (sizeBytes > smallBytes || content.length > smallBlobs);
  if (isLarge) beginLargeFile(state, batch, { ...file, folder, isReplacing, group });
  else {
    const isPlain =
      file.isFresh && !file.inheritsAcl && !isReplacing && node.extendedAttributes === undefined;
    const place = { folder, parentPath, name, path, node };
    await small.add({ ...place, isReplacing, isPlain, sizeBytes, group });
  }
}
