import { chmod, chown, mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileError, LifeboatError, writeFileDurably } from '../../../core/index.ts';
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
    for (const name of ['', 'requests', 'answers']) {
      const path = join(folder, name);
      await mkdir(path, { recursive: true });
      await chmod(path, name === 'requests' ? 0o700 : 0o755);
    }
    if (account) await chown(join(folder, 'requests'), account.uid, account.gid);
    const client = join(folder, 'client');
    await writeFileDurably(client, clientScript(folder));
    await chmod(client, 0o644);
  } catch (error) {
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
