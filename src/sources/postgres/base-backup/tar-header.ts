import { LifeboatError } from '../../../core/index.ts';
import { nameFromBytes } from '../../../repository/index.ts';

export const blockSizeBytes = 512;

/** What one 512-byte header says. `type` is the raw flag: `0` file, `5` directory, `2` symbolic link ... */
export interface TarHeader {
  readonly path: string;
  readonly type: string;
  readonly sizeBytes: number;
  /** Permission bits only. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
  readonly linkTarget: string;
}

/** Reads a ustar header as POSIX.1-1988 and GNU tar (base-256 numbers) lay it out; verifies its checksum. */
export function parseTarHeader(block: Uint8Array): TarHeader {
  const bytes = Buffer.from(block.buffer, block.byteOffset, blockSizeBytes);
  let sum = 8 * 0x20;
  for (let at = 0; at < blockSizeBytes; at++) {
    if (at < 148 || at >= 156) sum += bytes[at] as number;
  }
  if (number(bytes, 148, 8, 'checksum') !== sum) throw invalidTar('a header fails its checksum');
  if (bytes.toString('latin1', 257, 262) !== 'ustar')
    throw invalidTar('a header is no ustar header');
  const prefix = bytes[262] === 0 ? text(bytes, 345, 155) : '';
  const name = text(bytes, 0, 100);
  const type = bytes[156] as number;
  return {
    path: prefix === '' ? name : `${prefix}/${name}`,
    type: type === 0 ? '0' : String.fromCharCode(type),
    sizeBytes: number(bytes, 124, 12, 'size'),
    mode: number(bytes, 100, 8, 'mode') & 0o7777,
    uid: number(bytes, 108, 8, 'uid'),
    gid: number(bytes, 116, 8, 'gid'),
    mtimeSeconds: number(bytes, 136, 12, 'mtime'),
    linkTarget: text(bytes, 157, 100),
  };
}

export function invalidTar(fact: string): LifeboatError {
  return new LifeboatError('postgres.protocol', `the server sent a broken archive: ${fact}`, {
    hint: 'Nothing was published. Run the backup again; if it repeats, look for a proxy that alters the connection.',
  });
}

/** A name up to the first zero byte. */
function text(bytes: Buffer, at: number, length: number): string {
  const field = bytes.subarray(at, at + length);
  const end = field.indexOf(0);
  return nameFromBytes(end < 0 ? field : field.subarray(0, end));
}

function number(bytes: Buffer, at: number, length: number, field: string): number {
  const first = bytes[at] as number;
  if (first === 0x80) {
    let value = 0;
    for (let index = at + 1; index < at + length; index++) {
      value = value * 256 + (bytes[index] as number);
    }
    if (!Number.isSafeInteger(value)) throw invalidTar(`the ${field} of a header is out of range`);
    return value;
  }
  const digits = bytes
    .toString('latin1', at, at + length)
    .replace(/[\0 ]+$/, '')
    .trimStart();
  if (!/^[0-7]*$/.test(digits)) throw invalidTar(`the ${field} of a header is no number`);
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}
