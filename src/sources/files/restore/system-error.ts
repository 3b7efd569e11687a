import { isLifeboatError, LifeboatError } from '../../../core/index.ts';

/** `ENOENT` and so on; undefined when it is no error of a system call. */
export function systemErrorCode(error: unknown): string | undefined {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

/** Of these the whole restore ends: going on would only repeat them for every entry. */
export function isFatal(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'EROFS', 'EMFILE', 'ENFILE'].includes(systemErrorCode(error) ?? '');
}

/** What went wrong with one entry, in few words. Throws it on when there is no point in going on. */
export function entryProblem(error: unknown): string {
  if (isLifeboatError(error, 'file.unreadable')) return error.message;
  const code = systemErrorCode(error);
  if (code === undefined || isFatal(error)) throw error;
  return meanings[code] ?? (error as Error).message;
}

const meanings: Readonly<Record<string, string>> = {
  EACCES: 'not permitted (EACCES)',
  EPERM: 'not permitted (EPERM)',
  ELOOP: 'a symbolic link is in the way (ELOOP)',
  ENOTDIR: 'something that is no folder is in the way (ENOTDIR)',
  EEXIST: 'something else appeared there meanwhile (EEXIST)',
  ENOTEMPTY: 'a folder that is not empty is in the way (ENOTEMPTY)',
  EISDIR: 'a folder is in the way (EISDIR)',
  ENAMETOOLONG: 'the name is too long for this file system (ENAMETOOLONG)',
  EILSEQ: 'the file system does not take this name (EILSEQ)',
};

export function differsOnDisk(): LifeboatError {
  return new LifeboatError('file.unreadable', 'read back from the disk it differs', {
    hint: 'Test the disk and the memory of this machine before you trust what was restored.',
  });
}
