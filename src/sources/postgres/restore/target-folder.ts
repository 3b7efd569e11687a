import { chmod, mkdir, readdir, realpath } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileError, LifeboatError, syncFolder } from '../../../core/index.ts';
import { firstClosedFolder, giveTo, type ServerAccount } from '../server/index.ts';

/** Makes `folder` new, or takes an empty one, with mode 0700 and the owner that will run the server. */
export async function prepareTargetFolder(
  folder: string,
  account: ServerAccount | undefined,
): Promise<void> {
  try {
    await refuseInside(folder);
    const above = await mkdir(dirname(folder), { recursive: true });
    const own = await mkdir(folder, { recursive: true, mode: 0o700 });
    await syncEntries(folder, above ?? own);
    await refuseClosed(folder, account);
    const names = await readdir(folder);
    if (names.length > 0) {
      throw new LifeboatError(
        'target.not-empty',
        `the target folder ${folder} is not empty: it holds ${names[0]}`,
        {
          hint: 'Name a new or empty folder. A restore never writes over what is there.',
          context: { folder },
        },
      );
    }
    await chmod(folder, 0o700);
    await giveTo(account, folder);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    // ENOENT: a link that leads nowhere.
    if (code === 'EEXIST' || code === 'ENOTDIR' || code === 'ENOENT') {
      throw new LifeboatError('target.not-empty', `the target ${folder} is no folder`, {
        hint: 'Name a new or empty folder. A restore never writes over what is there.',
        context: { folder },
        cause: error,
      });
    }
    throw fileError(error, `could not prepare the target folder ${folder}`);
  }
}

/** A loss of power must not take a whole restore along with its name: each folder above `folder`, from that of the `first` made. */
async function syncEntries(folder: string, first: string | undefined): Promise<void> {
  if (first === undefined) return;
  const last = dirname(resolve(first));
  for (let at = resolve(folder); at !== last; ) {
    at = dirname(at);
    await syncFolder(at);
  }
}

/** What makes a folder one that nothing else may be put into. */
const marks = [
  { files: ['PG_VERSION', 'global'], what: 'a PostgreSQL data directory' },
  { files: ['config', 'keys', 'snapshots', 'index'], what: 'a repository' },
];

/** A restore into the live data directory or the repository would harm both. Links are followed. */
async function refuseInside(folder: string): Promise<void> {
  for (let parent = await existingParent(folder); ; parent = dirname(parent)) {
    const names: string[] = await readdir(parent).catch(() => []);
    const mark = marks.find(({ files }) => files.every((file) => names.includes(file)));
    if (mark && parent !== folder) {
      throw new LifeboatError('target.unsafe', `the target ${folder} lies inside ${mark.what}`, {
        hint: `Name a folder outside of ${parent}.`,
        context: { folder, inside: parent },
      });
    }
    if (parent === dirname(parent)) return;
  }
}

/** The real path of the nearest folder above (or at) `path` that exists. */
async function existingParent(path: string): Promise<string> {
  for (let parent = path; ; parent = dirname(parent)) {
    try {
      return await realpath(parent);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code !== 'ENOENT' || parent === dirname(parent)) throw error;
    }
  }
}

/** The server's account must be able to pass through all folders above. Errors: `postgres.start-failed`. */
export async function refuseClosed(
  folder: string,
  account: ServerAccount | undefined,
): Promise<void> {
  const closed = await firstClosedFolder(account, folder);
  if (closed === undefined) return;
  throw new LifeboatError(
    'postgres.start-failed',
    `the account ${account?.name} cannot enter ${closed}, where the restored server would lie`,
    {
      hint: `Restore into another folder, or let the account in: chmod o+x ${closed}`,
      context: { folder: closed },
    },
  );
}
