import {
  chmodSync,
  chownSync,
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { makeNode, setTimesNs, setXattr } from '../../src/sources/files/system/index.ts';

const isRoot = process.getuid?.() === 0;

/** The bytes of a POSIX ACL: user::rwx, user:<uid>:r-x, group::r-x, mask::rwx, other::---. */
function acl(uid: number): Buffer {
  const entry = (tag: number, permissions: number, id: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt16LE(tag, 0);
    bytes.writeUInt16LE(permissions, 2);
    bytes.writeUInt32LE(id >>> 0, 4);
    return bytes;
  };
  const version = Buffer.from([2, 0, 0, 0]);
  const none = 0xffff_ffff;
  return Buffer.concat([
    version,
    entry(1, 7, none),
    entry(2, 5, uid),
    entry(4, 5, none),
    entry(16, 7, none),
    entry(32, 0, none),
  ]);
}

/** A folder with every kind of entry and every oddity that a file system takes. Closed by disposal: a socket listens in it. */
export async function makeOddTree(root: string): Promise<AsyncDisposable> {
  const at = (name: string | Buffer) =>
    Buffer.concat([Buffer.from(`${root}/`), Buffer.from(name as string)]);
  const write = (name: string | Buffer, content: string | Buffer = 'content') =>
    writeFileSync(at(name), content);
  mkdirSync(root, { recursive: true });
  for (const name of [
    ' lead',
    'trail ',
    'new\nline',
    'quote"\\',
    "it's",
    '-rf',
    '*?[x]',
    '~',
    'ü',
    '.hidden',
    '...',
    '$HOME',
    'a:b',
    '%41',
    '日本語',
    '\u{1f6df}',
    '#x',
    '!x',
    'tab\t',
    '\x01\x7f',
  ])
    write(name, name);
  write(Buffer.from([0x63, 0x61, 0x66, 0xe9]), 'Latin-1');
  write(Buffer.from([0xff, 0xfe]), 'no text');
  write('n'.repeat(255), 'long name');
  write('empty', '');
  mkdirSync(at('empty folder'));
  let deep = 'deep';
  for (let depth = 0; depth < 30; depth++) {
    mkdirSync(at(deep));
    deep = join(deep, 'x'.repeat(40));
  }
  for (const [name, mode] of [
    ['m0000', 0],
    ['m0400', 0o400],
    ['m0777', 0o777],
    ['m0641', 0o641],
  ] as const) {
    write(name);
    chmodSync(at(name), mode);
  }
  for (const [name, target] of [
    ['dangling', 'nowhere'],
    ['absolute', '/etc/passwd'],
    ['up', '../../..'],
    ['long link', 'y'.repeat(3000)],
    ['loop', 'loop'],
  ] as const)
    symlinkSync(target, at(name));
  symlinkSync(Buffer.from([0x2f, 0xe9, 0xff]), at('raw link'));
  write('linked', 'several names');
  mkdirSync(at('links'));
  linkSync(at('linked'), at('links/second'));
  linkSync(at('linked'), at(Buffer.from([0xe9])));
  makeNode(at('fifo'), 'fifo', 0o620);
  makeSparse(at('sparse'));
  write('large', Buffer.alloc(20_000_000, 'large and compressible, '));
  write('xattr');
  setXattr(at('xattr'), 'user.text', Buffer.from('value'));
  setXattr(at('xattr'), 'user.bytes', Buffer.from([0, 255, 10]));
  write('xattr read-only');
  setXattr(at('xattr read-only'), 'user.x', Buffer.alloc(2000, 1));
  chmodSync(at('xattr read-only'), 0o444);
  write('acl');
  setXattr(at('acl'), 'system.posix_acl_access', acl(12_345));
  mkdirSync(at('acl folder'));
  setXattr(at('acl folder'), 'system.posix_acl_default', acl(12_345));
  write('acl folder/inherits');
  mkdirSync(at('setgid'));
  chmodSync(at('setgid'), 0o3770);
  mkdirSync(at('closed'));
  write('closed/inside');
  chmodSync(at('closed'), 0o500);
  if (isRoot) makePrivileged(at, write);
  for (const [name, ns] of [
    ['year 1910', -1_893_456_000_000_000_001n],
    ['before 1970', -1n],
    ['after 2038', 4_102_444_800_123_456_789n],
    ['year 2400', 13_569_465_600_000_000_007n],
  ] as const) {
    write(name);
    setTimesNs(at(name), ns, ns);
  }
  symlinkSync('x', at('old link'));
  setTimesNs(at('old link'), 7n, 1_000_000_007n);
  setTimesNs(at('links'), 1n, 2_000_000_001n);
  setTimesNs(at('deep'), 1n, -5_000_000_001n);
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(join(root, 'socket'), resolve));
  return {
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  };
}

function makePrivileged(
  at: (name: string) => Buffer,
  write: (name: string, content?: string) => void,
): void {
  write('setuid');
  chownSync(at('setuid'), 1234, 2345);
  chmodSync(at('setuid'), 0o6755);
  mkdirSync(at('owned'));
  write('owned/file');
  chownSync(at('owned/file'), 4_000_000_000, 65_534);
  chownSync(at('owned'), 33, 44);
  makeNode(at('null'), 'chardev', 0o666, 0x103n);
  makeNode(at('loop device'), 'dev', 0o660, 0x7_03n);
  makeNode(at('large device'), 'chardev', 0o600, 0x4_512_367n);
  setXattr(at('null'), 'trusted.x', Buffer.from('on a device'));
  write('capable');
  chownSync(at('capable'), 5, 6);
  setXattr(
    at('capable'),
    'security.capability',
    Buffer.from('0100000200200000000000000000000000000000', 'hex'),
  );
  symlinkSync('x', at('trusted link'));
  setXattr(at('trusted link'), 'trusted.y', Buffer.from('on a link'));
}

function makeSparse(path: Buffer): void {
  const fd = openSync(path, 'w');
  try {
    ftruncateSync(fd, 100_000_000);
    writeSync(fd, Buffer.alloc(65_536, 'first'), 0, 65_536, 20_971_520);
    writeSync(fd, Buffer.alloc(65_536, 'second'), 0, 65_536, 60_030_976);
  } finally {
    closeSync(fd);
  }
}
