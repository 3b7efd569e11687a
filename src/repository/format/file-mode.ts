import type { TreeNode } from '../repository.ts';

// Bits of Go's os.FileMode (package io/fs). Not those of st_mode.
const setuid = 2 ** 23;
const setgid = 2 ** 22;
const sticky = 2 ** 20;

const typeBits: Readonly<Record<TreeNode['type'], number>> = {
  file: 0,
  dir: 2 ** 31,
  symlink: 2 ** 27,
  dev: 2 ** 26,
  chardev: 2 ** 26 + 2 ** 21,
  fifo: 2 ** 25,
  socket: 2 ** 24,
};

/** Go's mode from the lower twelve bits of st_mode and the type. */
export function goMode(type: TreeNode['type'], mode: number): number {
  return (
    typeBits[type] +
    (mode & 0o777) +
    (mode & 0o4000 ? setuid : 0) +
    (mode & 0o2000 ? setgid : 0) +
    (mode & 0o1000 ? sticky : 0)
  );
}

/** The lower twelve bits of st_mode from Go's mode. */
export function unixMode(mode: number): number {
  return (
    (mode & 0o777) |
    (mode & setuid ? 0o4000 : 0) |
    (mode & setgid ? 0o2000 : 0) |
    (mode & sticky ? 0o1000 : 0)
  );
}
