import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { chmod, lstat, mkdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileError, LifeboatError, writeFileDurably } from '../../../core/index.ts';
import { firstClosedFolder, giveTo, isOwnFolder, type ServerAccount } from './account.ts';
import { identifyProcess, type ProcessIdentity } from './process-identity.ts';

export const scratchFolderPrefix = 'lifeboat-scratch-';
const markerName = 'lifeboat-scratch';

/** Makes the folder of a scratch server's data in `parent` (default: the temporary folder); returns the data folder in it. */
export async function createScratchFolder(
  parent: string | undefined,
  account: ServerAccount | undefined,
): Promise<string> {
  const root = parent ?? tmpdir();
  const closed = await firstClosedFolder(account, join(root, 'x'));
  if (closed !== undefined) {
    throw new LifeboatError(
      'postgres.start-failed',
      `the account ${account?.name} cannot enter ${closed}, where the scratch server would lie`,
      {
        hint: `Name another folder for scratch servers, or let the account in: chmod o+x ${closed}`,
        context: { folder: closed },
      },
    );
  }
  try {
    // Before anything is in it: a copy of a cluster takes long, and whoever makes it may be killed.
    const marker = JSON.stringify((await identifyProcess(process.pid)) ?? null);
    const folder = createMarkedFolder(root, marker);
    // The outer folder stays ours, so that the server's account cannot forge what the sweep trusts.
    await chmod(folder, account ? 0o711 : 0o700);
    await writeFileDurably(join(folder, markerName), marker);
    const dataFolder = join(folder, 'data');
    await mkdir(dataFolder, { mode: 0o700 });
    await giveTo(account, dataFolder);
    return dataFolder;
  } catch (error) {
    throw fileError(error, `could not make a folder for a scratch server in ${root}`);
  }
}

/** In one go, without returning to the event loop: the sweep would not know a folder whose maker was killed between the two. */
function createMarkedFolder(root: string, marker: string): string {
  const folder = mkdtempSync(join(root, scratchFolderPrefix));
  writeFileSync(join(folder, markerName), marker, { mode: 0o600 });
  return folder;
}

/** Who made a scratch folder; undefined when that cannot be told (yet). */
export async function scratchOwner(folder: string): Promise<ProcessIdentity | undefined> {
  try {
    const owner = JSON.parse(await readFile(join(folder, markerName), 'utf8')) as ProcessIdentity;
    return typeof owner?.pid === 'number' && typeof owner.started === 'string' ? owner : undefined;
  } catch {
    return undefined;
  }
}

/** Removes a data folder that `createScratchFolder` made, and nothing else: any other folder is left alone. */
export async function removeScratchFolder(dataFolder: string): Promise<void> {
  const folder = dirname(dataFolder);
  if (basename(dataFolder) !== 'data' || !basename(folder).startsWith(scratchFolderPrefix)) return;
  const marker = await lstat(join(folder, markerName)).catch(() => undefined);
  if (!marker?.isFile() || !(await isOwnFolder(folder))) return;
  // The marker goes last, and its folder with it in one go: whoever is killed in between leaves a folder that the sweep still knows.
  await rm(dataFolder, { recursive: true, force: true, maxRetries: 3 });
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}
