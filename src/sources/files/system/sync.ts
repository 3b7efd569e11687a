import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { systemError } from './linux-calls.ts';

type Koffi = typeof import('koffi');
type SyncFs = { async(fd: number, done: (error: unknown, result: number) => void): void };

/**
 * All that was written to the file system of an open file or folder is on its device when it resolves. Does not block the
 * thread. Rejects as Node's file functions do, also with what went wrong when the system wrote on its own meanwhile.
 */
export async function syncFileSystem(fd: number): Promise<void> {
  if (process.platform !== 'linux') throw systemError('syncfs', constants.errno.ENOTSUP);
  const koffi = createRequire(import.meta.url)('koffi') as Koffi;
  // `errno` belongs to a thread, and the call is made by another one: a second call here asks again.
  const syncfs = koffi.load(null).func('int syncfs(int fd)') as unknown as SyncFs &
    ((fd: number) => number);
  const result = await new Promise<number>((resolve, reject) => {
    syncfs.async(fd, (error, value) => (error ? reject(error) : resolve(value)));
  });
  if (result === 0) return;
  throw systemError('syncfs', syncfs(fd) === 0 ? constants.errno.EIO : koffi.errno());
}
