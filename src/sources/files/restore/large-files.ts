import { constants, fsyncSync, ftruncateSync } from 'node:fs';
import type { BlobId, BlobReader, TreeNode } from '../../../repository/index.ts';
import { closeDescriptor, dropCached, openAt } from '../system/index.ts';
import { holdsBlob, writeAt } from './file-bytes.ts';
import type { FilePart, FinishFileTask, LargeFile, LostRange, PartTask } from './messages.ts';
import type { OpenFolder } from './open-folders.ts';
import { putInPlace, removeQuietly } from './placement.ts';
import { creationFlags } from './small-files.ts';
import { differsOnDisk, entryProblem } from './system-error.ts';
import { type Batch, joinPath, type ThreadState } from './thread-state.ts';

const idBytes = 32;
const partBytes = 32 * 1024 * 1024;
const partBlobs = 4096;
const { O_RDONLY, O_RDWR, O_NOFOLLOW } = constants;

interface Layout {
  readonly parts: FilePart[];
  readonly lost: LostRange[];
  readonly sizeBytes: number;
}

/** Where every blob of a content lies in the file, in parts that one thread writes. */
function layOut(reader: BlobReader, node: TreeNode, ids: SharedArrayBuffer): Layout {
  const content = node.content ?? [];
  const view = Buffer.from(ids);
  const parts: FilePart[] = [];
  const lost: LostRange[] = [];
  let [from, partOffset, offset] = [0, 0, 0];
  const close = (to: number) => {
    if (to > from) parts.push({ ids, from, to, offset: partOffset });
    [from, partOffset] = [to, offset];
  };
  for (const [number, id] of content.entries()) {
    view.write(id, number * idBytes, 'hex');
    const length = reader.plainBytesOf('data', id);
    if (length === undefined) {
      // Behind a blob of unknown length nothing has a known place, unless the file's size tells it.
      const { lengthBytes, isKnown } = missingLength(reader, node, number, offset);
      close(number);
      lost.push({ offset, lengthBytes, problem: `data blob ${id} is in no index` });
      offset += lengthBytes;
      [from, partOffset] = [number + 1, offset];
      if (!isKnown) return { parts, lost, sizeBytes: offset };
      continue;
    }
    if (offset + length - partOffset > partBytes || number - from >= partBlobs) close(number);
    offset += length;
  }
  close(content.length);
  return { parts, lost, sizeBytes: offset };
}

function missingLength(
  reader: BlobReader,
  { content = [], sizeBytes = 0 }: TreeNode,
  number: number,
  offset: number,
): { readonly lengthBytes: number; readonly isKnown: boolean } {
  let rest = sizeBytes - offset;
  for (const id of content.slice(number + 1)) {
    const length = reader.plainBytesOf('data', id);
    if (length === undefined) return { lengthBytes: 0, isKnown: false };
    rest -= length;
  }
  return rest >= 0 ? { lengthBytes: rest, isKnown: true } : { lengthBytes: 0, isKnown: false };
}

/** Creates the file and says which parts are to be written. */
export function beginLargeFile(
  state: ThreadState,
  batch: Batch,
  file: {
    readonly folder: OpenFolder;
    readonly parent: number;
    readonly parentPath: string;
    readonly node: TreeNode;
    readonly isReplacing: boolean;
    readonly inheritsAcl: boolean;
    readonly group: string | undefined;
  },
): void {
  const { folder, parent, parentPath, node, isReplacing, inheritsAcl, group } = file;
  const ids = new SharedArrayBuffer((node.content?.length ?? 0) * idBytes);
  const { parts, lost, sizeBytes } = layOut(state.reader, node, ids);
  const name = isReplacing ? state.temporaryName() : node.name;
  closeDescriptor(openAt(folder.fd, state.reader.nameBytes(name), creationFlags, 0o600));
  const { content: _, ...bare } = node;
  const place = { parent, group, path: parentPath, name, node: bare, inheritsAcl };
  batch.large.push({ ...place, ids, parts, sizeBytes, lost });
}

/** Writes one part; what cannot be read stays a hole. */
export async function writePart(state: ThreadState, batch: Batch, task: PartTask): Promise<void> {
  const { file, path, name, part } = task;
  const { reader, setup } = state;
  const uses = new Map<BlobId, number[]>();
  let { offset } = part;
  for (const id of idsOf(part)) {
    const known = uses.get(id);
    if (known === undefined) uses.set(id, [offset]);
    else known.push(offset);
    offset += reader.plainBytesOf('data', id) ?? 0;
  }
  const folder = state.holdFolder(path) as OpenFolder;
  let fd: number | undefined;
  try {
    fd = openAt(folder.fd, reader.nameBytes(name), O_RDWR | O_NOFOLLOW);
    const open = fd;
    const ids = [...uses.keys()];
    await reader.readBlobs('data', ids, (number, outcome) => {
      const id = ids[number] as BlobId;
      for (const at of uses.get(id) ?? []) {
        if (outcome instanceof Uint8Array) {
          writeAt(open, outcome, at, setup.sparse);
          batch.counts.newBytes += outcome.length;
        } else {
          const lengthBytes = reader.plainBytesOf('data', id) ?? 0;
          batch.lost.push({ file, range: { offset: at, lengthBytes, problem: outcome.message } });
        }
      }
    });
  } catch (error) {
    const problem = entryProblem(error);
    const lengthBytes = offset - part.offset;
    batch.lost.push({ file, range: { offset: part.offset, lengthBytes, problem } });
  } finally {
    if (fd !== undefined) closeDescriptor(fd);
    state.releaseFolder(path);
  }
}

/** When all parts are written: size, attributes, and its place. */
export function finishLargeFile(state: ThreadState, batch: Batch, task: FinishFileTask): void {
  const { large, lost } = task;
  const path = joinPath(large.path, large.node.name);
  const folder = state.holdFolder(large.path) as OpenFolder;
  try {
    const isWhole = finish(state, batch, folder, task);
    if (!isWhole) batch.problems.add(path, describeLoss(lost, large));
    tellGroup(batch, large, isWhole);
  } catch (error) {
    removeTemporary(state, folder, large);
    batch.problems.add(path, `could not be written: ${entryProblem(error)}`);
    tellGroup(batch, large, false);
  } finally {
    state.releaseFolder(large.path);
  }
}

function finish(
  state: ThreadState,
  batch: Batch,
  folder: OpenFolder,
  { large, lost }: FinishFileTask,
): boolean {
  const { node, sizeBytes } = large;
  const isReplacing = large.name !== node.name;
  const name = state.reader.nameBytes(large.name);
  // What stood there before is better than something with a hole in it; a new file is better than none.
  if (lost.length > 0 && isReplacing) {
    removeTemporary(state, folder, large);
    return false;
  }
  const fd = openAt(folder.fd, name, O_RDWR | O_NOFOLLOW);
  try {
    ftruncateSync(fd, sizeBytes);
    // Without its times, so that the next run does not take it for right.
    if (lost.length > 0) return false;
    if (isReplacing || state.setup.verifyWritten) fsyncSync(fd);
    if (state.setup.verifyWritten) readBack(state, folder, large);
  } finally {
    closeDescriptor(fd);
  }
  state.attributes.finish(folder, name, node, joinPath(large.path, node.name), batch.problems);
  if (isReplacing) {
    putInPlace(folder, name, state.reader.nameBytes(node.name));
    batch.counts.replacedFiles++;
    // The parts counted them as new.
    batch.counts.newBytes -= sizeBytes;
    batch.counts.replacedBytes += sizeBytes;
  } else batch.counts.newFiles++;
  return true;
}

function readBack(state: ThreadState, folder: OpenFolder, large: LargeFile): void {
  const fd = openAt(folder.fd, state.reader.nameBytes(large.name), O_RDONLY | O_NOFOLLOW);
  try {
    dropCached(fd);
    for (const part of large.parts) {
      let { offset } = part;
      for (const id of idsOf(part)) {
        const length = state.reader.plainBytesOf('data', id) ?? 0;
        if (!holdsBlob(fd, id, offset, length)) throw differsOnDisk();
        offset += length;
      }
    }
  } finally {
    closeDescriptor(fd);
  }
}

function removeTemporary(state: ThreadState, folder: OpenFolder, large: LargeFile): void {
  if (large.name !== large.node.name) removeQuietly(folder, state.reader.nameBytes(large.name));
}

function describeLoss(lost: readonly LostRange[], { name, node }: LargeFile): string {
  const [first] = lost;
  const bytes = lost.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
  const fate = name === node.name ? 'they are zeros now' : 'the file there was left as it is';
  return `${bytes} bytes, the first at ${first?.offset}, could not be read (${fate}): ${first?.problem}`;
}

function tellGroup(batch: Batch, { group }: LargeFile, isThere: boolean): void {
  if (group !== undefined) batch.groups.push({ group, isThere });
}

function* idsOf({ ids, from, to }: FilePart): Generator<BlobId> {
  const view = Buffer.from(ids);
  for (let number = from; number < to; number++) {
    yield view.toString('hex', number * idBytes, (number + 1) * idBytes) as BlobId;
  }
}
