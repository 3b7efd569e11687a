import { getSystemErrorMap } from 'node:util';
import { bindForeign } from '../../../core/index.ts';

/** The calls of glibc or musl that Node has no function for. Paths are bytes that end in 0. */
export interface LinuxCalls {
  llistxattr(path: Buffer, list: Buffer | null, size: number): number;
  lgetxattr(path: Buffer, name: Buffer, value: Buffer | null, size: number): number;
  lsetxattr(path: Buffer, name: Buffer, value: Buffer, size: number, flags: number): number;
  lremovexattr(path: Buffer, name: Buffer): number;
  mknod(path: Buffer, mode: number, device: bigint): number;
  utimensat(folder: number, path: Buffer, times: Buffer, flags: number): number;
  lseek(fd: number, offset: number, whence: number): number;
  /** errno of the last call of this thread. */
  errno(): number;
}

let calls: LinuxCalls | undefined;

/** Loaded at the first use (5 ms), once per thread; undefined where this is no Linux. */
export function linuxCalls(): LinuxCalls | undefined {
  if (process.platform !== 'linux') return undefined;
  calls ??= load();
  return calls;
}

function load(): LinuxCalls {
  return bindForeign((koffi) => {
    const library = koffi.load(null);
    const call = <Name extends Exclude<keyof LinuxCalls, 'errno'>>(prototype: string) =>
      library.func(prototype) as unknown as LinuxCalls[Name];
    return {
      llistxattr: call<'llistxattr'>(
        'int64_t llistxattr(const void *path, void *list, size_t size)',
      ),
      lgetxattr: call<'lgetxattr'>(
        'int64_t lgetxattr(const void *path, const void *name, void *value, size_t size)',
      ),
      lsetxattr: call<'lsetxattr'>(
        'int lsetxattr(const void *path, const void *name, const void *value, size_t size, int flags)',
      ),
      lremovexattr: call<'lremovexattr'>('int lremovexattr(const void *path, const void *name)'),
      mknod: call<'mknod'>('int mknod(const void *path, uint32_t mode, uint64_t device)'),
      utimensat: call<'utimensat'>(
        'int utimensat(int folder, const void *path, const void *times, int flags)',
      ),
      lseek: call<'lseek'>('int64_t lseek(int fd, int64_t offset, int whence)'),
      errno: () => koffi.errno(),
    };
  });
}

/** The bytes of a path or name as C wants them. */
export function cString(path: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(path.length + 1);
  bytes.set(path);
  bytes[path.length] = 0;
  return bytes;
}

/** An error as Node's own file functions throw it: `code`, `errno`, `syscall`. */
export function systemError(syscall: string, errno: number): NodeJS.ErrnoException {
  const [code, text] = getSystemErrorMap().get(-errno) ?? [`E${errno}`, 'unknown error'];
  return Object.assign(new Error(`${code}: ${text}, ${syscall}`), { code, errno: -errno, syscall });
}
