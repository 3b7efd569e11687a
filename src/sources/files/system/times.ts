import { lutimesSync } from 'node:fs';
import { cString, linuxCalls, systemError } from './linux-calls.ts';

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const times = Buffer.alloc(32);

/** Sets both times of the entry itself, to the nanosecond; negative times lie before 1970. */
export function setTimesNs(path: Uint8Array, atimeNs: bigint, mtimeNs: bigint): void {
  const calls = linuxCalls();
  if (calls === undefined) {
    lutimesSync(Buffer.from(path), Number(atimeNs) / 1e9, Number(mtimeNs) / 1e9);
    return;
  }
  const both = timespecs(atimeNs, mtimeNs);
  const result = calls.utimensat(AT_FDCWD, cString(path), both, AT_SYMLINK_NOFOLLOW);
  if (result !== 0) throw systemError('utimensat', calls.errno());
}

/** Access and modification time as the kernel wants them. Overwritten by the next call. */
export function timespecs(atimeNs: bigint, mtimeNs: bigint): Buffer {
  writeTimespec(0, atimeNs);
  writeTimespec(16, mtimeNs);
  return times;
}

/** tv_nsec counts up from tv_sec, also before 1970. */
function writeTimespec(at: number, ns: bigint): void {
  const billion = 1_000_000_000n;
  const nanoseconds = ((ns % billion) + billion) % billion;
  times.writeBigInt64LE((ns - nanoseconds) / billion, at);
  times.writeBigInt64LE(nanoseconds, at + 8);
}
