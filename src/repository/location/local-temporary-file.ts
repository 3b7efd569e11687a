import { randomBytes } from 'node:crypto';
import { mkdirSync, openSync, rmSync } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

const pattern = /^\.(config|[0-9a-f]{64})-tmp-[0-9a-f]{12}$/;

/** Until it is adopted: a share must be given a descriptor that may write, to bring the bytes to its disk. */
const growingMode = 0o600;
/** No write takes that long: whatever is older was left behind by a crash. */
const abandonedAfterMs = 24 * 3_600_000;

/** Writes and fsyncs a file beside `path`, under a name that no program takes for a repository file. */
export async function writeTemporaryFile(
  path: string,
  bytes: Uint8Array,
  mode: number,
): Promise<string> {
  const suffix = randomBytes(6).toString('hex');
  const temporary = join(dirname(path), `.${basename(path)}-tmp-${suffix}`);
  const file = await open(temporary, 'wx', mode);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  } finally {
    await file.close();
  }
  return temporary;
}

/** A new file for a pack whose name is not known yet, in a local repository's folder. Throws as the file system does. */
export function openTemporaryPack(repository: string): { path: string; fd: number } {
  const placeholder = randomBytes(32).toString('hex');
  const folder = join(repository, 'data', placeholder.slice(0, 2));
  const path = join(folder, `.${placeholder}-tmp-${randomBytes(6).toString('hex')}`);
  const create = () => openSync(path, 'wx', growingMode);
  try {
    return { path, fd: create() };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    // Copies made by programs that skip empty folders lack some; `data` itself must be there.
    try {
      mkdirSync(folder, { mode: 0o700 });
    } catch (mkdirError) {
      // Another thread was faster.
      if ((mkdirError as NodeJS.ErrnoException).code !== 'EEXIST') throw mkdirError;
    }
    return { path, fd: create() };
  }
}

export function removeQuietlySync(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {}
}

/** Removes `name` when it is our temporary file from a crash long ago. A folder that may only be read
 * keeps it: it is ignored anyway. */
export async function removeOldTemporaryFile(folder: string, name: string): Promise<void> {
  if (!pattern.test(name)) return;
  const path = join(folder, name);
  try {
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > abandonedAfterMs) await rm(path, { force: true });
  } catch {}
}
