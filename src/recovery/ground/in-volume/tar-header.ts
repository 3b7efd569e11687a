import type { BigIntStats } from 'node:fs';

const blockBytes = 512;

export interface TarEntry {
  /** Raw, relative; a folder's ends in a slash. */
  readonly name: Buffer;
  readonly facts: BigIntStats;
  readonly uid: number;
  readonly gid: number;
  /** Of a link, or the earlier name of a file with several. */
  readonly link: Buffer | undefined;
  readonly isHardLink: boolean;
}

/**
 * The header of an entry as GNU tar has written it since 1990, which busybox reads too: long names as entries of their own, large
 * numbers in base 256. It has whole seconds and no extended attributes.
 */
export function gnuTarHeader(entry: TarEntry): Buffer {
  const { name, link, facts, isHardLink, uid, gid } = entry;
  const type = isHardLink ? '1' : typeOf(facts);
  const parts: Buffer[] = [];
  if (link && link.length > 100) parts.push(longName('K', link));
  if (name.length > 100) parts.push(longName('L', name));
  const header = plainHeader(name, type);
  number(header, 100, 8, facts.mode & 0o7777n);
  number(header, 108, 8, BigInt(uid));
  number(header, 116, 8, BigInt(gid));
  number(header, 124, 12, type === '0' ? facts.size : 0n);
  number(header, 136, 12, seconds(facts.mtimeNs));
  link?.copy(header, 157, 0, 100);
  const { major, minor } = deviceNumbers(facts.rdev);
  number(header, 329, 8, type === '3' || type === '4' ? major : 0n);
  number(header, 337, 8, type === '3' || type === '4' ? minor : 0n);
  parts.push(withSum(header));
  return Buffer.concat(parts);
}

/** A pax header for the entry after it: what GNU tar keeps beyond its own format. Empty when there is nothing of that. */
export function paxHeader(
  facts: BigIntStats,
  attributes: readonly { readonly name: string; readonly value: Buffer }[],
): Buffer {
  const records = attributes.map(({ name, value }) => paxRecord(`SCHILY.xattr.${name}`, value));
  if (facts.mtimeNs % 1_000_000_000n !== 0n) {
    records.push(paxRecord('mtime', Buffer.from(decimalSeconds(facts.mtimeNs))));
  }
  if (records.length === 0) return Buffer.alloc(0);
  const body = Buffer.concat(records);
  const header = plainHeader(Buffer.from('PaxHeader'), 'x');
  number(header, 100, 8, 0o644n);
  number(header, 124, 12, BigInt(body.length));
  return Buffer.concat([withSum(header), body, padding(body.length)]);
}

/** Zeros up to the next block. */
export function padding(length: number): Buffer {
  return Buffer.alloc((blockBytes - (length % blockBytes)) % blockBytes);
}

export function endOfArchive(): Buffer {
  return Buffer.alloc(2 * blockBytes);
}

function typeOf(facts: BigIntStats): string {
  if (facts.isDirectory()) return '5';
  if (facts.isSymbolicLink()) return '2';
  if (facts.isFIFO()) return '6';
  if (facts.isCharacterDevice()) return '3';
  if (facts.isBlockDevice()) return '4';
  return '0';
}

function longName(type: 'K' | 'L', name: Buffer): Buffer {
  const body = Buffer.concat([name, Buffer.of(0)]);
  const header = plainHeader(Buffer.from('././@LongLink'), type);
  number(header, 124, 12, BigInt(body.length));
  return Buffer.concat([withSum(header), body, padding(body.length)]);
}

function plainHeader(name: Buffer, type: string): Buffer {
  const header = Buffer.alloc(blockBytes);
  name.copy(header, 0, 0, 100);
  for (const [at, width] of [
    [100, 8],
    [108, 8],
    [116, 8],
    [124, 12],
    [136, 12],
  ] as const) {
    number(header, at, width, 0n);
  }
  header.write(type, 156, 'latin1');
  header.write('ustar  \0', 257, 'latin1');
  return header;
}

function withSum(header: Buffer): Buffer {
  header.write('        ', 148, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

/** Octal where it fits, else big-endian in two's complement behind a byte of 0x80 or 0xff. */
function number(header: Buffer, at: number, width: number, value: bigint): void {
  const digits = width - 1;
  if (value >= 0n && value < 8n ** BigInt(digits)) {
    header.write(`${value.toString(8).padStart(digits, '0')}\0`, at, 'latin1');
    return;
  }
  let rest = BigInt.asUintN(width * 8, value);
  for (let index = width - 1; index >= 0; index--) {
    header[at + index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  header[at] = value < 0n ? 0xff : 0x80;
}

/** Rounded down, also before 1970. */
function seconds(ns: bigint): bigint {
  const billion = 1_000_000_000n;
  return (ns - (((ns % billion) + billion) % billion)) / billion;
}

function decimalSeconds(ns: bigint): string {
  const [sign, absolute] = ns < 0n ? ['-', -ns] : ['', ns];
  const fraction = String(absolute % 1_000_000_000n).padStart(9, '0');
  return `${sign}${absolute / 1_000_000_000n}.${fraction}`;
}

/** `length key=value\n`, where the length counts itself. */
function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  let length = rest.length;
  while (String(length).length + rest.length !== length) {
    length = String(length).length + rest.length;
  }
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/** As Linux puts them into st_rdev. */
function deviceNumbers(device: bigint): { readonly major: bigint; readonly minor: bigint } {
  return {
    major: ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xffff_f000n),
    minor: (device & 0xffn) | ((device >> 12n) & 0xffff_ff00n),
  };
}
