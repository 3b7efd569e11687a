import { constants } from 'node:os';
import { cString, linuxCalls, systemError } from './linux-calls.ts';

const typeBits = { fifo: 0o010000, chardev: 0o020000, dev: 0o060000 } as const;

/** Creates a FIFO or a device node (st_rdev as the kernel gave it). Throws as Node's file functions do: EEXIST, EPERM. */
export function makeNode(
  path: Uint8Array,
  type: keyof typeof typeBits,
  mode: number,
  device: bigint = 0n,
): void {
  const calls = linuxCalls();
  if (calls === undefined) throw systemError('mknod', constants.errno.ENOTSUP);
  const result = calls.mknod(cString(path), typeBits[type] | (mode & 0o7777), device);
  if (result !== 0) throw systemError('mknod', calls.errno());
}
