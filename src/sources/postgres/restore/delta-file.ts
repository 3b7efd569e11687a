import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { fileError, LifeboatError, throwIfAborted } from '../../../core/index.ts';
import type { BlobId, Repository, TreeNode } from '../../../repository/index.ts';
import type { ServerAccount } from '../server/index.ts';

export interface DeltaFileRequest {
  readonly repository: Repository;
  /** The length of a blob's content. */
  readonly lengthOf: (id: BlobId) => number;
  readonly account: ServerAccount | undefined;
  readonly signal: AbortSignal;
  readonly onDone: (bytes: number) => void;
}

const pageBytes = 8192;

interface Chunk {
  readonly id: BlobId;
  readonly start: number;
  readonly length: number;
}

/**
 * Makes an existing file that of the snapshot. Only pages that differ are written; one that has other names too (a copy made of
 * hard links, what pg_upgrade --link left) is made anew even when nothing differs, as the server will write into it. Returns how
 * many bytes were written.
 */
export async function mendFile(
  path: string,
  node: TreeNode,
  request: DeltaFileRequest,
): Promise<number> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r+');
    const chunks = chunksOf(node, request.lengthOf);
    const size = chunks.reduce((sum, { length }) => sum + length, 0);
    const { size: before, uid, nlink, mode } = await file.stat();
    if (nlink > 1) return await makeAnew(path, node, { ...request, mode: mode & 0o777 });
    // One that a killed run had only made belongs to us still.
    const isStray = request.account !== undefined && uid !== request.account.uid;
    if (isStray) await file.chown(request.account.uid, request.account.gid);
    const different: Chunk[] = [];
    for (const chunk of chunks) {
      throwIfAborted(request.signal);
      if (!(await holds(file, chunk))) different.push(chunk);
      else request.onDone(chunk.length);
    }
    let written = await rewrite(file, different, request);
    if (before > size) {
      await file.truncate(size);
      written ||= 1;
    }
    if (written > 0 || isStray) await file.sync();
    return written;
  } catch (error) {
    throw fileError(error, `could not write ${path}`);
  } finally {
    await file?.close();
  }
}

/** Under a name of its own first. What a killed run left of it, the next one removes, as the snapshot does not have it. */
async function makeAnew(
  path: string,
  node: TreeNode,
  request: DeltaFileRequest & { readonly mode: number },
): Promise<number> {
  const temporary = `${path}.restored`;
  await rm(temporary, { force: true });
  const written = await makeFile(temporary, node, request);
  await rename(temporary, path);
  // Of an empty file too.
  return written || 1;
}

/** Writes a file that does not exist. */
export async function makeFile(
  path: string,
  node: TreeNode,
  request: DeltaFileRequest & { readonly mode: number },
): Promise<number> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'wx', request.mode);
    const { repository, signal, account } = request;
    if (account) await file.chown(account.uid, account.gid);
    let written = 0;
    for await (const bytes of repository.readFileContent(node.content ?? [], { signal })) {
      throwIfAborted(signal);
      await file.writeFile(bytes);
      written += bytes.length;
      request.onDone(bytes.length);
    }
    if (written !== (node.sizeBytes ?? written)) throw wrongSize(node, written);
    await file.sync();
    return written;
  } catch (error) {
    throw fileError(error, `could not write ${path}`);
  } finally {
    await file?.close();
  }
}

function chunksOf(node: TreeNode, lengthOf: (id: BlobId) => number): readonly Chunk[] {
  let start = 0;
  const chunks = (node.content ?? []).map((id) => {
    const chunk = { id, start, length: lengthOf(id) };
    start += chunk.length;
    return chunk;
  });
  if (start !== (node.sizeBytes ?? start)) throw wrongSize(node, start);
  return chunks;
}

/** By content: a blob's name is the hash of it. The hash is computed by a thread of the system's. */
async function holds(file: FileHandle, { id, start, length }: Chunk): Promise<boolean> {
  const bytes = new Uint8Array(length);
  const { bytesRead } = await file.read(bytes, 0, length, start);
  if (bytesRead !== length) return false;
  return Buffer.from(await crypto.subtle.digest('SHA-256', bytes)).toString('hex') === id;
}

async function rewrite(
  file: FileHandle,
  chunks: readonly Chunk[],
  { repository, signal, onDone }: DeltaFileRequest,
): Promise<number> {
  const queue = chunks.values();
  let chunk = queue.next().value;
  let filled = 0;
  let written = 0;
  const content = chunks.map(({ id }) => id);
  for await (const bytes of repository.readFileContent(content, { signal })) {
    // What comes may hold the end of one chunk and the begin of the next.
    for (let at = 0; at < bytes.length && chunk !== undefined; ) {
      const part = bytes.subarray(at, at + chunk.length - filled);
      written += await writeDifferent(file, part, chunk.start + filled);
      onDone(part.length);
      at += part.length;
      filled += part.length;
      if (filled < chunk.length) continue;
      filled = 0;
      chunk = queue.next().value;
    }
  }
  return written;
}

/** Writes the runs of pages that are not there already. */
async function writeDifferent(
  file: FileHandle,
  bytes: Uint8Array,
  position: number,
): Promise<number> {
  const present = Buffer.alloc(bytes.length);
  const { bytesRead } = await file.read(present, 0, bytes.length, position);
  let written = 0;
  let from = -1;
  const flush = async (until: number) => {
    if (from < 0) return;
    await writeAll(file, bytes.subarray(from, until), position + from);
    written += until - from;
    from = -1;
  };
  for (let at = 0; at < bytes.length; at += pageBytes) {
    const end = Math.min(at + pageBytes, bytes.length);
    const isSame = end <= bytesRead && present.compare(bytes, at, end, at, end) === 0;
    if (isSame) await flush(at);
    else if (from < 0) from = at;
  }
  await flush(bytes.length);
  return written;
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    at += (await file.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
  }
}

function wrongSize({ name, sizeBytes }: TreeNode, found: number): LifeboatError {
  return new LifeboatError(
    'repository.damaged',
    `the file ${name} should have ${sizeBytes} bytes and has ${found}`,
    { hint: 'Run a check of the repository; restore from another snapshot or copy meanwhile.' },
  );
}
