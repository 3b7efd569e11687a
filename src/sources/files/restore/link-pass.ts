import { linkSync } from 'node:fs';
import { clearFolder } from './extra-entries.ts';
import type { LinkTask } from './messages.ts';
import type { OpenFolder } from './open-folders.ts';
import { inPlaceOf } from './other-entries.ts';
import type { Placement } from './overwrite.ts';
import { lookAt } from './placement.ts';
import { entryProblem } from './system-error.ts';
import { type Batch, joinPath, type ThreadState } from './thread-state.ts';

/** A further name of a file that is there by now; for a plan, that would be. */
export function passLink(state: ThreadState, batch: Batch, task: LinkTask): void {
  const { node, isFresh } = task;
  const path = joinPath(task.path, node.name);
  const held: string[] = [];
  const hold = (place: string) => {
    const folder = state.holdFolder(place);
    if (folder !== undefined) held.push(place);
    return folder;
  };
  try {
    if (state.setup.isPlan && isFresh) count(batch, task, 'create');
    else {
      const folder = hold(task.path) as OpenFolder;
      const outcome = judge(state, task, folder, hold);
      const name = state.reader.nameBytes(node.name);
      if (outcome === 'replace') clearFolder(state, batch, folder, name, path);
      if (outcome !== 'same' && !state.setup.isPlan) makeLink(state, task, folder, hold, outcome);
      count(batch, task, outcome);
    }
  } catch (error) {
    batch.problems.add(path, `could not be linked: ${entryProblem(error)}`);
  } finally {
    for (const place of held) state.releaseFolder(place);
  }
}

/** `same`: it is a name of that very file already. */
function judge(
  { reader, setup }: ThreadState,
  { from, node, placement }: LinkTask,
  folder: OpenFolder,
  hold: (path: string) => OpenFolder | undefined,
): Placement {
  if (placement === 'create') return 'create';
  const existing = lookAt(folder, reader.nameBytes(node.name));
  if (existing === undefined) return 'create';
  // What the first of them would be written as is another file than what is there now.
  const isKept = placement === 'same' && (!setup.isPlan || from.placement === 'same');
  if (!isKept) return 'replace';
  const file = lookAt(hold(from.path) as OpenFolder, reader.nameBytes(from.name));
  return existing.ino === file?.ino && existing.dev === file.dev ? 'same' : 'replace';
}

function makeLink(
  state: ThreadState,
  { from, node }: LinkTask,
  folder: OpenFolder,
  hold: (path: string) => OpenFolder | undefined,
  outcome: Placement,
): void {
  const source = hold(from.path) as OpenFolder;
  const place = Buffer.concat([source.prefix, state.reader.nameBytes(from.name)]);
  const name = state.reader.nameBytes(node.name);
  // What came to the place meanwhile is not replaced: that is an error.
  if (outcome === 'create') linkSync(place, Buffer.concat([folder.prefix, name]));
  else inPlaceOf(state, folder, name, (at) => linkSync(place, at));
}

function count(batch: Batch, { node }: LinkTask, outcome: Placement): void {
  const { counts } = batch;
  batch.bytesPassed += node.sizeBytes ?? 0;
  counts.hardLinks++;
  if (outcome === 'create') counts.newFiles++;
  else counts[outcome === 'same' ? 'sameFiles' : 'replacedFiles']++;
}
