import { nameBytes, type TreeNode } from '../../../repository/index.ts';

const blockBytes = 512;
/** What the octal fields of a header hold at most. */
const maxId = 0o7777777;
const maxSize = 0o77777777777;
const maxTime = 0o77777777777;

const typeFlags: Readonly<Record<TreeNode['type'], string | undefined>> = {
  file: '0',
  symlink: '2',
  chardev: '3',
  dev: '4',
  dir: '5',
  fifo: '6',
  socket: undefined,
};

export interface TarEntry {
  /** Raw; a folder's ends in a slash. */
  readonly name: Buffer;
  readonly node: TreeNode;
  readonly sizeBytes: number;
  /** Name of the earlier entry that this is another name of. */
  readonly hardLinkTo: Buffer | undefined;
}

/**
 * The header of an entry, POSIX.1-2001 (pax) where ustar does not hold it: long names, names as raw bytes, times to the nanosecond and
 * before 1970, large sizes and ids, extended attributes as SCHILY.xattr. Undefined for a socket, which no archive holds.
 */
export function tarHeader(entry: TarEntry): Buffer | undefined {
  const { name, node, sizeBytes, hardLinkTo } = entry;
  const type = hardLinkTo ? '1' : typeFlags[node.type];
  if (type === undefined) return undefined;
  const link =
    hardLinkTo ?? (node.type === 'symlink' ? nameBytes(node.linkTarget ?? '') : undefined);
  const size = type === '0' ? sizeBytes : 0;
  const records = paxRecords(entry, link, size);
  const header = ustarHeader(name, type, node, link, size);
  if (records.length === 0) return header;
  const body = Buffer.concat(records);
  const plain: TreeNode = { ...node, mode: 0o644, mtimeNs: 0n };
  const extended = ustarHeader(Buffer.from('PaxHeader'), 'x', plain, undefined, body.length);
  return Buffer.concat([extended, body, padding(body.length), header]);
}

/** Zeros up to the next block. */
export function padding(length: number): Buffer {
  return Buffer.alloc((blockBytes - (length % blockBytes)) % blockBytes);
}

export function endOfArchive(): Buffer {
  return Buffer.alloc(2 * blockBytes);
}

function paxRecords(
  { name, node, hardLinkTo }: TarEntry,
  link: Buffer | undefined,
  size: number,
): Buffer[] {
  const records: Buffer[] = [];
  const add = (key: string, value: Uint8Array | string) => records.push(paxRecord(key, value));
  if (name.length > 100 || !isAscii(name)) add('path', name);
  if (link && (link.length > 100 || !isAscii(link))) add('linkpath', link);
  if (size > maxSize) add('size', String(size));
  if (node.uid > maxId) add('uid', String(node.uid));
  if (node.gid > maxId) add('gid', String(node.gid));
  if (node.mtimeNs < 0n || node.mtimeNs % 1_000_000_000n !== 0n) {
    add('mtime', decimalSeconds(node.mtimeNs));
  }
  if (hardLinkTo === undefined) {
    for (const { name: key, value } of node.extendedAttributes ?? []) {
      add(`SCHILY.xattr.${key}`, value ?? '');
    }
  }
  return records;
}

/** `length key=value\n`, where the length counts itself. */
function paxRecord(key: string, value: Uint8Array | string): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value as string), newline]);
  let length = rest.length;
  while (String(length).length + rest.length !== length)
    length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

const newline = Buffer.from('\n');

function decimalSeconds(ns: bigint): string {
  const [sign, absolute] = ns < 0n ? ['-', -ns] : ['', ns];
  const fraction = String(absolute % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return `${sign}${absolute / 1_000_000_000n}${fraction === '' ? '' : `.${fraction}`}`;
}

function isAscii(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte < 0x80);
}

function ustarHeader(
  name: Buffer,
  type: string,
  node: TreeNode,
  link: Buffer | undefined,
  size: number,
): Buffer {
  const header = Buffer.alloc(blockBytes);
  const seconds = Number(node.mtimeNs / 1_000_000_000n);
  name.copy(header, 0, 0, 100);
  octal(header, 100, 8, node.mode & 0o7777);
  octal(header, 108, 8, Math.min(node.uid, maxId));
  octal(header, 116, 8, Math.min(node.gid, maxId));
  octal(header, 124, 12, Math.min(size, maxSize));
  octal(header, 136, 12, Math.min(Math.max(seconds, 0), maxTime));
  header.write('        ', 148);
  header.write(type, 156);
  link?.copy(header, 157, 0, 100);
  header.write('ustar\x0000', 257, 'latin1');
  header.write((node.user ?? '').slice(0, 31), 265, 'latin1');
  header.write((node.group ?? '').slice(0, 31), 297, 'latin1');
  const { major, minor } = deviceNumbers(node.device ?? 0n);
  octal(header, 329, 8, Math.min(major, maxId));
  octal(header, 337, 8, Math.min(minor, maxId));
  const sum = header.reduce((total, byte) => total + byte, 0);
  octal(header, 148, 7, sum);
  return header;
}

function octal(header: Buffer, at: number, fieldBytes: number, value: number): void {
  header.write(value.toString(8).padStart(fieldBytes - 1, '0'), at, 'latin1');
}

/** As Linux puts them into st_rdev. */
function deviceNumbers(device: bigint): { readonly major: number; readonly minor: number } {
  return {
    major: Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xffff_f000n)),
    minor: Number((device & 0xffn) | ((device >> 12n) & 0xffff_ff00n)),
  };
}
