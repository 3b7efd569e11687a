// The module that reader threads are started with for a restore: what was read is written where it was decoded.
import { fileError } from '../../../core/index.ts';
import type { BlobReader } from '../../../repository/index.ts';
import { type PassTools, passFile } from './file-pass.ts';
import { passFolder } from './folder-pass.ts';
import { finishLargeFile, writePart } from './large-files.ts';
import { passLink } from './link-pass.ts';
import type {
  BatchAnswer,
  FinishFolderTask,
  FolderTask,
  RestoreSetup,
  RestoreTask,
} from './messages.ts';
import { SmallFiles } from './small-files.ts';
import { entryProblem, systemErrorCode } from './system-error.ts';
import { Batch, ThreadState } from './thread-state.ts';

/** See `ReaderModule` of the repository. A request is an array of tasks, the answer a `BatchAnswer`. */
export function startReading(
  reader: BlobReader,
  setup: unknown,
): (request: unknown) => Promise<BatchAnswer> {
  const state = new ThreadState(reader, setup as RestoreSetup);
  return async (request) => {
    try {
      return await runBatch(state, request as readonly RestoreTask[]);
    } catch (error) {
      throw systemErrorCode(error) === undefined
        ? error
        : fileError(error, 'could not write to the target');
    }
  };
}

async function runBatch(state: ThreadState, tasks: readonly RestoreTask[]): Promise<BatchAnswer> {
  const batch = new Batch();
  const tools: PassTools = { state, batch, small: new SmallFiles(state, batch) };
  const folders = tasks.filter((task) => task.type === 'folder');
  await passFolders(tools, folders);
  for (const task of tasks) {
    if (task.type === 'file') await passFile(tools, task);
    else if (task.type === 'part') await writePart(state, batch, task);
    else if (task.type === 'finishFile') finishLargeFile(state, batch, task);
    else if (task.type === 'link') passLink(state, batch, task);
    else if (task.type === 'finishFolder') finishFolder(state, batch, task);
  }
  await tools.small.flush();
  if (tasks.some(({ type }) => type === 'closeFolders')) state.closeFolders();
  return batch.answer();
}

/** Their trees lie near each other and are read together. */
async function passFolders(tools: PassTools, tasks: readonly FolderTask[]): Promise<void> {
  if (tasks.length === 0) return;
  const trees = await tools.state.reader.readTrees(tasks.map(({ tree }) => tree));
  for (const [number, task] of tasks.entries()) {
    await passFolder(tools, task, trees[number] as (typeof trees)[number]);
  }
}

function finishFolder(state: ThreadState, batch: Batch, { path, node }: FinishFolderTask): void {
  // A plan looks, and changes no times or modes either.
  if (state.setup.isPlan) return;
  const cut = path.lastIndexOf('/');
  const parentPath = path.slice(0, Math.max(cut, 0));
  try {
    const parent = state.holdFolder(parentPath);
    if (parent === undefined) return;
    try {
      const name = state.reader.nameBytes(node.name);
      state.attributes.finish(parent, name, node, path, batch.problems);
    } finally {
      state.releaseFolder(parentPath);
    }
  } catch (error) {
    batch.problems.add(path, `attributes could not be set: ${entryProblem(error)}`);
  }
}
