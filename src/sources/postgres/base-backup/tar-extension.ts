import { nameFromBytes } from '../../../repository/index.ts';
import { invalidTar, type TarHeader } from './tar-header.ts';

/** Names and sizes that did not fit into a header, sent as an entry of their own before it. */
export type TarExtension = Partial<
  Pick<TarHeader, 'path' | 'linkTarget' | 'sizeBytes' | 'uid' | 'gid' | 'mtimeSeconds'>
>;

/** Larger than any path a file system takes; what is longer is hostile. */
export const maximumExtensionBytes = 64 * 1024;

/** Entry types that describe the entry after them: GNU long name and link, pax for one entry and for all. */
export function isExtension(type: string): boolean {
  return type === 'L' || type === 'K' || type === 'x' || type === 'g';
}

export function parseExtension(type: string, bytes: Buffer): TarExtension {
  if (type === 'L') return { path: untilZero(bytes) };
  if (type === 'K') return { linkTarget: untilZero(bytes) };
  return parsePax(bytes);
}

/** `LENGTH KEY=VALUE\n`, LENGTH counting itself (POSIX.1-2001 pax interchange format). */
function parsePax(bytes: Buffer): TarExtension {
  const found: { -readonly [Key in keyof TarExtension]: TarExtension[Key] } = {};
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const digits = space < 0 ? '' : bytes.toString('latin1', at, space);
    const length = /^[1-9]\d{0,8}$/.test(digits) ? Number(digits) : 0;
    const end = at + length;
    const equals = bytes.indexOf(0x3d, space);
    if (end > bytes.length || equals < 0 || equals >= end || bytes[end - 1] !== 0x0a) {
      throw invalidTar('a pax header does not parse');
    }
    const key = bytes.toString('utf8', space + 1, equals);
    const value = nameFromBytes(bytes.subarray(equals + 1, end - 1));
    if (key === 'path') found.path = value;
    else if (key === 'linkpath') found.linkTarget = value;
    else if (key === 'size') found.sizeBytes = whole(value);
    else if (key === 'uid') found.uid = whole(value);
    else if (key === 'gid') found.gid = whole(value);
    else if (key === 'mtime') found.mtimeSeconds = whole(value.replace(/\.\d*$/, ''));
    at = end;
  }
  return found;
}

function whole(value: string): number {
  const parsed = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(parsed))
    throw invalidTar('a pax header holds no number where one belongs');
  return parsed;
}

function untilZero(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return nameFromBytes(end < 0 ? bytes : bytes.subarray(0, end));
}
