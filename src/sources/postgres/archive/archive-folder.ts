import { constants } from 'node:fs';
import { chmod, chown, lstat, mkdir, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import {
  fileError,
  isLifeboatError,
  LifeboatError,
  writeFileDurably,
} from '../../../core/index.ts';
import type { ServerAccount } from '../server/index.ts';
import { clientScript } from './client-script.ts';

/**
 * Makes the folder and writes the client into it; what is there already is brought up to date. Only requests belong to the account of the
 * server: what it may write to we never follow blindly. Errors: `config.invalid`, `file.*`.
 */
export async function installArchive(
  folder: string,
  account: ServerAccount | undefined,
): Promise<void> {
  if (/[\n\r%]/.test(folder)) {
    throw new LifeboatError(
      'config.invalid',
      `the folder ${JSON.stringify(folder)} cannot stand in archive_command`,
    );
  }
  try {
    await mkdir(dirname(folder), { recursive: true, mode: 0o755 });
    await mkdir(folder, { recursive: true });
    await requireSafe(folder);
    for (const name of ['', 'requests', 'answers']) {
      const path = join(folder, name);
      await mkdir(path, { recursive: true });
      if (!(await lstat(path)).isDirectory()) throw unsafe(path, 'is no folder, or a link to one');
      await chmod(path, name === 'requests' ? 0o700 : 0o755);
    }
    if (account) await chown(join(folder, 'requests'), account.uid, account.gid);
    const client = join(folder, 'client');
    await writeFileDurably(client, clientScript(folder));
    await chmod(client, 0o644);
  } catch (error) {
    if (isLifeboatError(error)) throw error;
    throw fileError(error, `could not prepare ${folder}`);
  }
}

/** Who may hand over files, and whose these must be. */
export async function ownerOf(
  folder: string,
): Promise<{ readonly uid: number; readonly gid: number }> {
  const { uid, gid } = await stat(join(folder, 'requests'));
  return { uid, gid };
}

/** As root we write here and give a folder away: nobody else may be able to put a link in the way, neither here nor above. */
async function requireSafe(folder: string): Promise<void> {
  if (process.geteuid?.() !== 0) return;
  if (!(await lstat(folder)).isDirectory()) throw unsafe(folder, 'is a link');
  const places = new Set([...upwards(resolve(folder)), ...upwards(await realpath(folder))]);
  for (const path of places) {
    const { uid, gid, mode } = await lstat(path);
    if (uid !== 0) throw unsafe(path, 'does not belong to root');
    const { isWritable, isSticky } = rights(mode, gid);
    const isLink = (mode & constants.S_IFMT) === constants.S_IFLNK;
    // In a folder such as /tmp nobody replaces what is root's.
    const isClosed = isLink || !isWritable || (isSticky && path !== resolve(folder));
    if (!isClosed) throw unsafe(path, 'can be written to by others than root');
  }
}

function rights(mode: number, gid: number) {
  const isWritable = (mode & 0o002) !== 0 || ((mode & 0o020) !== 0 && gid !== 0);
  return { isWritable, isSticky: (mode & 0o1000) !== 0 };
}

/** The path and every folder above it. */
function upwards(path: string): readonly string[] {
  const above = dirname(path);
  return above === path ? [path] : [path, ...upwards(above)];
}

function unsafe(path: string, fact: string): LifeboatError {
  return new LifeboatError('config.invalid', `${path} ${fact}`, {
    hint: 'Set `archive: { folder: }` to a folder of the account that Lifeboat runs as, where nobody else can write to it or to the folders above it. The server only needs to enter it.',
  });
}
