import { createHash } from 'node:crypto';
import { link, lstat, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileError, LifeboatError, syncFolder } from '../../core/index.ts';
import type { FileMark, FrozenMaintenanceFile } from './freeze-record.ts';

type Place = Pick<FrozenMaintenanceFile, 'at' | 'kept' | 'former' | 'pageSha256'>;

/** What is there now, and what the maintenance page is. Errors: `file.unreadable`. */
export async function lookAtMaintenanceFile(
  { page, at }: { readonly page: string; readonly at: string },
  freeze: string,
): Promise<Place> {
  const bytes = await readPage(page);
  return {
    at,
    kept: join(dirname(at), `.${basename(at)}-before-freeze-${freeze}`),
    former: (await markOf(at)) ?? null,
    pageSha256: sha256(bytes),
  };
}

/**
 * Puts the page in the place of the file in one step. The file itself, not a copy, is kept beside under another name: bytes, mode,
 * owner and whatever else belongs to it. Repeated, it changes nothing. Resolves with whether it changed something.
 */
export async function putMaintenanceFile(page: string, place: Place): Promise<boolean> {
  const { at, kept, former, pageSha256 } = place;
  const [present, saved] = [await markOf(at), await markOf(kept)];
  const isShown = (await hashOf(at)) === pageSha256;
  if (isShown && (former === null || saved !== undefined)) return false;
  if (saved !== undefined && present !== undefined && present.inode !== saved.inode) {
    throw new LifeboatError('file.unreadable', `${at} was replaced by somebody since the freeze`, {
      hint: `It stays as it is; the file from before the freeze is ${kept}.`,
    });
  }
  const bytes = await readPage(page);
  if (sha256(bytes) !== pageSha256) {
    throw new LifeboatError(
      'file.unreadable',
      `the maintenance page ${page} has just been changed`,
      {
        hint: 'Run the command again.',
      },
    );
  }
  try {
    if (present !== undefined && saved === undefined) {
      await link(at, kept);
      await syncFolder(dirname(at));
    }
    const like = former === null ? undefined : await stat(at).catch(() => undefined);
    const temporary = `${kept}-page`;
    await rm(temporary, { force: true });
    const file = await open(temporary, 'wx', 0o644);
    try {
      await file.writeFile(bytes);
      // Whoever could read the file must be able to read the page.
      await file.chmod(like === undefined ? 0o644 : like.mode & 0o777);
      if (like !== undefined) await file.chown(like.uid, like.gid).catch(() => {});
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, at);
    await syncFolder(dirname(at));
    return true;
  } catch (error) {
    throw fileError(error, `could not put the maintenance page at ${at}`);
  }
}

/** Puts the former file back, or takes the page away where there was none. Resolves with what was left, and why. */
export async function takeMaintenanceFileAway(place: Place): Promise<string | undefined> {
  const { at, kept, former, pageSha256 } = place;
  try {
    await rm(`${kept}-page`, { force: true });
    const isPage = (await hashOf(at)) === pageSha256;
    if (former === null) {
      if (isPage) await rm(at);
      await syncFolder(dirname(at));
      return undefined;
    }
    const [present, saved] = [await markOf(at), await markOf(kept)];
    if (present?.inode === former.inode) {
      // It was never replaced, or is back: its second name goes.
      await rm(kept, { force: true });
    } else if (saved === undefined) {
      throw new LifeboatError('file.unreadable', `${kept} is gone: ${at} cannot be put back`, {
        hint: `Put ${at} back from a backup or a deployment, then run thaw with --leave.`,
      });
    } else if (present !== undefined && !isPage) {
      return `${at} was replaced by somebody since: it stays, the former file is ${kept}`;
    } else {
      await rename(kept, at);
    }
    await syncFolder(dirname(at));
    return undefined;
  } catch (error) {
    throw fileError(error, `could not take the maintenance page away from ${at}`);
  }
}

async function readPage(page: string): Promise<Buffer> {
  return await readFile(page).catch((error) => {
    throw fileError(error, `could not read the maintenance page ${page}`);
  });
}

/** Of the entry itself, also where it is a link. Undefined: there is none. */
async function markOf(path: string): Promise<FileMark | undefined> {
  try {
    const { ino, size, isDirectory } = await entryOf(path);
    if (isDirectory) throw new LifeboatError('file.unreadable', `${path} is a folder`);
    return { inode: String(ino), bytes: Number(size) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fileError(error, `could not look at ${path}`);
  }
}

async function entryOf(path: string) {
  const entry = await lstat(path, { bigint: true });
  return { ino: entry.ino, size: entry.size, isDirectory: entry.isDirectory() };
}

async function hashOf(path: string): Promise<string | undefined> {
  return await readFile(path).then(sha256, () => undefined);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
