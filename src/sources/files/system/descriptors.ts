import { constants } from 'node:os';
import { bindForeign } from '../../../core/index.ts';
import { cString, systemError } from './linux-calls.ts';
import { timespecs } from './times.ts';

/** Calls that begin at an open folder or file: whatever happens to paths meanwhile, they stay there. */
interface DescriptorCalls {
  openat(folder: number, name: Buffer, flags: number, mode: number): number;
  futimens(fd: number, times: Buffer): number;
  fchown(fd: number, uid: number, gid: number): number;
  close(fd: number): number;
  posix_fadvise(fd: number, offset: number, length: number, advice: number): number;
  errno(): number;
}

const O_CLOEXEC = 0o2000000;
const POSIX_FADV_DONTNEED = 4;

let calls: DescriptorCalls | undefined;

/** Opens an entry of an open folder. Throws as Node's file functions do. */
export function openAt(folder: number, name: Uint8Array, flags: number, mode = 0): number {
  const { openat, errno } = descriptorCalls();
  for (;;) {
    const fd = openat(folder, cString(name), flags | O_CLOEXEC, mode);
    if (fd >= 0) return fd;
    const code = errno();
    if (code !== constants.errno.EINTR) throw systemError('openat', code);
  }
}

/** For what `openAt` opened: Node keeps a book of its own on what a thread opens, and knows nothing of these. */
export function closeDescriptor(fd: number): void {
  const { close, errno } = descriptorCalls();
  if (close(fd) !== 0) throw systemError('close', errno());
}

export function setDescriptorTimesNs(fd: number, atimeNs: bigint, mtimeNs: bigint): void {
  const { futimens, errno } = descriptorCalls();
  if (futimens(fd, timespecs(atimeNs, mtimeNs)) !== 0) throw systemError('futimens', errno());
}

export function setDescriptorOwner(fd: number, uid: number, gid: number): void {
  const { fchown, errno } = descriptorCalls();
  if (fchown(fd, uid, gid) !== 0) throw systemError('fchown', errno());
}

/** What is clean of the file leaves the page cache, so that it is read from the device again. A wish, no order. */
export function dropCached(fd: number): void {
  descriptorCalls().posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

function descriptorCalls(): DescriptorCalls {
  if (process.platform !== 'linux') throw systemError('openat', constants.errno.ENOTSUP);
  calls ??= load();
  return calls;
}

function load(): DescriptorCalls {
  return bindForeign((koffi) => {
    const library = koffi.load(null);
    const call = <Name extends Exclude<keyof DescriptorCalls, 'errno'>>(prototype: string) =>
      library.func(prototype) as unknown as DescriptorCalls[Name];
    return {
      openat: call<'openat'>('int openat(int folder, const void *name, int flags, uint32_t mode)'),
      futimens: call<'futimens'>('int futimens(int fd, const void *times)'),
      fchown: call<'fchown'>('int fchown(int fd, uint32_t uid, uint32_t gid)'),
      close: call<'close'>('int close(int fd)'),
      posix_fadvise: call<'posix_fadvise'>(
        'int posix_fadvise(int fd, int64_t offset, int64_t length, int advice)',
      ),
      errno: () => koffi.errno(),
    };
  });
}
