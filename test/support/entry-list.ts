import { createHash } from 'node:crypto';
import {
  type BigIntStats,
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
} from 'node:fs';
import { getXattr, listXattrs, nextData, nextHole } from '../../src/sources/files/system/index.ts';

/**
 * Every entry below a folder with every attribute, one text each, by its raw path in Latin-1: two lists are equal when the
 * trees are. Left out: inode numbers, ctime, atime, sizes of folders. `holes`: where data lies in sparse files.
 */
export function listEntries(
  root: string,
  { holes = false }: { readonly holes?: boolean } = {},
): Record<string, string> {
  const entries: Record<string, string> = {};
  const firstOf = new Map<string, string>();
  const walk = (folder: Buffer, relative: string) => {
    const names = readdirSync(folder, { encoding: 'buffer' }).sort(Buffer.compare);
    for (const name of names) {
      const path = Buffer.concat([folder, Buffer.from('/'), name]);
      const key = `${relative}/${name.toString('latin1')}`;
      const info = lstatSync(path, { bigint: true });
      entries[key] = describe(path, key, info, firstOf, holes);
      if (info.isDirectory()) walk(path, key);
    }
  };
  walk(Buffer.from(root), '');
  return entries;
}

function describe(
  path: Buffer,
  key: string,
  info: BigIntStats,
  firstOf: Map<string, string>,
  holes: boolean,
): string {
  const parts = [
    info.mode.toString(8),
    `${info.uid}:${info.gid}`,
    String(info.mtimeNs),
    ...listXattrs(path)
      .sort()
      .map((name) => `${name}=${getXattr(path, name)?.toString('hex')}`),
  ];
  if (info.isFile()) {
    parts.push(`${info.size} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`);
    if (holes) parts.push(dataRanges(path));
  }
  if (info.isSymbolicLink()) parts.push(readlinkSync(path, { encoding: 'buffer' }).toString('hex'));
  if (info.isBlockDevice() || info.isCharacterDevice()) parts.push(`device ${info.rdev}`);
  if (info.nlink > 1n && !info.isDirectory()) {
    const inode = `${info.dev}:${info.ino}`;
    const first = firstOf.get(inode) ?? key;
    firstOf.set(inode, first);
    parts.push(`one with ${first}`);
  }
  return parts.join(' | ');
}

function dataRanges(path: Buffer): string {
  const fd = openSync(path, 'r');
  try {
    const ranges: string[] = [];
    for (let at = nextData(fd, 0); at !== undefined; ) {
      const end = nextHole(fd, at) ?? at;
      ranges.push(`${at}-${end}`);
      at = nextData(fd, end);
    }
    return ranges.join(',');
  } finally {
    closeSync(fd);
  }
}
