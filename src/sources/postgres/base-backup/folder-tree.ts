import { type BlobId, nameBytes, nodeHead } from '../../../repository/thread.ts';
import type { DirectoryEntry, FileEntry } from './snapshot-tree.ts';

/** `"<64 hex digits>",` */
const idTextBytes = 67;

interface Part {
  readonly key: Buffer;
  /** Byte text. */
  readonly head: string;
  readonly ids: Uint8Array | undefined;
  readonly tail: string;
}

/**
 * One folder in the canonical bytes of restic's trees. Made by hand: a folder of a large database holds millions of ids, of
 * which `TreeNode`s would take several hundred bytes each.
 */
export function encodeFolder(
  files: ReadonlyMap<string, FileEntry>,
  folders: ReadonlyMap<string, { readonly entry: DirectoryEntry; readonly subtree: BlobId }>,
): Uint8Array<ArrayBuffer> {
  const parts: Part[] = [];
  for (const [name, entry] of files) {
    const { sizeBytes, ids } = entry.content;
    const head = `${headOf(name, 'file', entry, sizeBytes)},"content":[`;
    parts.push({ key: nameBytes(name), head, ids, tail: ']}' });
  }
  for (const [name, { entry, subtree }] of folders) {
    const head = `${headOf(name, 'dir', entry, 0)},"content":null,"subtree":"${subtree}"`;
    parts.push({ key: nameBytes(name), head, ids: undefined, tail: '}' });
  }
  parts.sort((a, b) => Buffer.compare(a.key, b.key));
  return textOf(parts);
}

function headOf(
  name: string,
  type: 'file' | 'dir',
  { mode, uid, gid, mtimeSeconds }: DirectoryEntry,
  sizeBytes: number,
): string {
  const mtimeNs = BigInt(mtimeSeconds) * 1_000_000_000n;
  const facts = {
    mode: BigInt(mode & 0o7777),
    mtimeNs,
    ctimeNs: mtimeNs,
    uid: BigInt(uid),
    gid: BigInt(gid),
    ino: 0n,
    dev: 0n,
    rdev: 0n,
    nlink: 0n,
  };
  return nodeHead({ name: nameBytes(name).toString('latin1'), type, facts, sizeBytes, owners: '' });
}

function textOf(parts: readonly Part[]): Uint8Array<ArrayBuffer> {
  const [begin, end] = ['{"nodes":[', ']}\n'];
  let length = begin.length + end.length;
  for (const { head, ids, tail } of parts) {
    length += head.length + tail.length + 1 + ((ids?.length ?? 0) / 32) * idTextBytes;
  }
  // Not zeroed: what is returned has been written. A Buffer of its own: it is given away.
  const text = Buffer.allocUnsafeSlow(length);
  let at = text.write(begin, 'latin1');
  for (const [index, { head, ids, tail }] of parts.entries()) {
    if (index > 0) at += text.write(',', at, 'latin1');
    at += text.write(head, at, 'latin1');
    if (ids) at = writeIds(text, at, ids);
    at += text.write(tail, at, 'latin1');
  }
  at += text.write(end, at, 'latin1');
  return new Uint8Array(text.buffer as ArrayBuffer, 0, at);
}

function writeIds(text: Buffer, start: number, ids: Uint8Array): number {
  const bytes = Buffer.from(ids.buffer, ids.byteOffset, ids.length);
  let at = start;
  for (let from = 0; from < bytes.length; from += 32) {
    const comma = from === 0 ? '' : ',';
    at += text.write(`${comma}"${bytes.toString('hex', from, from + 32)}"`, at, 'latin1');
  }
  return at;
}
