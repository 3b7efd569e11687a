import { LifeboatError, throwIfAborted } from '../../../core/index.ts';
import {
  type BlobId,
  nameBytes,
  type Repository,
  type TreeNode,
} from '../../../repository/index.ts';
import { endOfArchive, padding, tarHeader } from './tar-header.ts';

/** Contents of files up to this size are fetched ahead of their turn. */
const aheadFileBytes = 1024 * 1024;
const aheadFiles = 24;
const outputBytes = 256 * 1024;
const slash = Buffer.from('/');

interface Visited {
  readonly name: Buffer;
  readonly node: TreeNode;
  readonly hardLinkTo: Buffer | undefined;
}

/** The bytes of one file, verified. Errors: `repository.damaged`, `repository.blob-missing`, `location.*`. */
export function dumpFile(
  repository: Repository,
  node: TreeNode,
  signal?: AbortSignal,
): AsyncIterable<Uint8Array> {
  return repository.readFileContent(node.content ?? [], signal ? { signal } : {});
}

/**
 * A tar archive of everything in a folder, its names beginning with `under`. Every byte is verified; when something
 * cannot be read the archive ends without its end mark and an error is thrown. Sockets are left out.
 */
export async function* dumpTar(
  repository: Repository,
  tree: BlobId,
  under: string,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  const entries = visit(repository, tree, nameBytes(under), new Map(), signal);
  for await (const chunk of encode(repository, entries, signal)) {
    pending.push(chunk);
    pendingBytes += chunk.length;
    if (pendingBytes < outputBytes) continue;
    yield Buffer.concat(pending);
    pending = [];
    pendingBytes = 0;
  }
  yield Buffer.concat([...pending, endOfArchive()]);
}

/** One tree at a time is in memory, and those above it. */
async function* visit(
  repository: Repository,
  tree: BlobId,
  under: Buffer,
  linked: Map<string, Buffer>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Visited> {
  for (const node of await repository.readTree(tree, signal)) {
    throwIfAborted(signal);
    const path = under.length === 0 ? nameBytes(node.name) : joined(under, nameBytes(node.name));
    if (node.subtree !== undefined) {
      yield { name: Buffer.concat([path, slash]), node, hardLinkTo: undefined };
      yield* visit(repository, node.subtree, path, linked, signal);
    } else yield { name: path, node, hardLinkTo: earlierName(node, path, linked) };
  }
}

function earlierName(
  node: TreeNode,
  path: Buffer,
  linked: Map<string, Buffer>,
): Buffer | undefined {
  if (node.type !== 'file' || (node.links ?? 0) < 2 || node.inode === undefined) return undefined;
  const [first, last] = [node.content?.[0], node.content?.at(-1)];
  const key = [node.deviceId, node.inode, node.content?.length, first, last].join(' ');
  const known = linked.get(key);
  if (known === undefined) linked.set(key, path);
  return known;
}

async function* encode(
  repository: Repository,
  entries: AsyncGenerator<Visited>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const ahead: { readonly entry: Visited; readonly content: Promise<Buffer> | undefined }[] = [];
  let isDone = false;
  for (;;) {
    while (!isDone && ahead.length < aheadFiles) {
      const next = await entries.next();
      if (next.done) isDone = true;
      else {
        const isSmall = (next.value.node.sizeBytes ?? 0) <= aheadFileBytes;
        const hasContent = next.value.node.type === 'file' && !next.value.hardLinkTo;
        const read = isSmall && hasContent;
        const content = read ? collect(dumpFile(repository, next.value.node, signal)) : undefined;
        // It is awaited, and its error thrown, when its turn comes.
        content?.catch(() => {});
        ahead.push({ entry: next.value, content });
      }
    }
    const first = ahead.shift();
    if (first === undefined) return;
    yield* encodeEntry(repository, first.entry, await first.content, signal);
  }
}

async function* encodeEntry(
  repository: Repository,
  { name, node, hardLinkTo }: Visited,
  content: Buffer | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const sizeBytes = content?.length ?? node.sizeBytes ?? 0;
  const header = tarHeader({ name, node, sizeBytes, hardLinkTo });
  if (header === undefined) return;
  yield header;
  if (node.type !== 'file' || hardLinkTo !== undefined) return;
  let written = 0;
  const pieces = content === undefined ? dumpFile(repository, node, signal) : [content];
  for await (const piece of pieces) {
    written += piece.length;
    if (written > sizeBytes) break;
    yield piece;
  }
  if (written !== sizeBytes) {
    throw new LifeboatError('repository.damaged', `${name} has another size than is recorded`, {
      hint: 'Restore it with `lifeboat restore`, which goes by the content.',
    });
  }
  yield padding(sizeBytes);
}

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

function joined(folder: Buffer, name: Buffer): Buffer {
  return Buffer.concat([folder, slash, name]);
}
