import { lstat, readdir, readlink, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileError, LifeboatError } from '../../../core/index.ts';
import { isMountPoint } from './mount-points.ts';

/** Where things are around a folder of this host. Found anew at each call: a link may lead elsewhere by then. */
export interface Layout {
  /** Without links; it need not exist. */
  readonly target: string;
  readonly exists: boolean;
  /** `whole`: the folder is renamed. `entries`: it is a mount point, so what is in it is moved. */
  readonly mode: 'whole' | 'entries';
  /** Folder of ours, on the same file system, with one folder for each token. */
  readonly home: string;
}

/** In a mount point. The second one is for data directories: PostgreSQL's backups leave out what is named so. */
export const homeNames = ['.lifeboat', 'pgsql_tmp.lifeboat'] as const;

/** What stays in a mount point when its entries are moved. */
export const staysInPlace: ReadonlySet<string> = new Set([...homeNames, 'lost+found']);

/** Errors: `ground.failed` (no folder), `ground.unavailable`, `file.unreadable`. */
export async function findLayout(folder: string, forCluster = false): Promise<Layout> {
  try {
    const target = await followLinks(resolve(folder));
    const facts = await stat(target).catch(ignoreMissing);
    if (facts !== undefined && !facts.isDirectory()) {
      throw new LifeboatError('ground.failed', `${target} is no folder`, {
        hint: 'Name the folder that services use, not a file.',
      });
    }
    const exists = facts !== undefined;
    if (!exists || !(await isMountPoint(target))) {
      const home = join(dirname(target), `.${basename(target)}.lifeboat`);
      return { target, exists, mode: 'whole', home };
    }
    const names = await readdir(target);
    const isCluster = forCluster || names.includes('PG_VERSION');
    const name = homeNames.find((each) => names.includes(each)) ?? homeNames[isCluster ? 1 : 0];
    return { target, exists, mode: 'entries', home: join(target, name) };
  } catch (error) {
    throw fileError(error, `could not look at ${folder}`);
  }
}

/** Where a path leads, also when there is nothing: after half a swap there is not. */
async function followLinks(path: string): Promise<string> {
  let at = path;
  for (let links = 0; links < 40; links++) {
    const facts = await lstat(at).catch(ignoreMissing);
    if (!facts?.isSymbolicLink()) break;
    at = resolve(dirname(at), await readlink(at));
  }
  const parent = await realpath(dirname(at)).catch(ignoreMissing);
  return parent === undefined ? at : join(parent, basename(at));
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
