import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, link, mkdir, open, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileError, syncFolder } from '../../core/index.ts';

/**
 * Writes a new file with mode 0600, whole and durable; an existing one is never touched. False when it existed.
 * (A link to a finished temporary file, because a rename would overwrite.)
 */
export async function writeNewFile(path: string, text: string): Promise<boolean> {
  if (existsSync(path)) return false;
  const temporary = join(dirname(path), `.${basename(path)}-${randomBytes(6).toString('hex')}`);
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await chmod(temporary, 0o600);
    await link(temporary, path);
    await syncFolder(dirname(path));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw fileError(error, `could not write ${path}`);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** 192 random bits as 32 characters that are easy to copy. */
export function newPassword(): string {
  return randomBytes(24).toString('base64url');
}
