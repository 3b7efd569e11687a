import { chmod, mkdir, readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileError, LifeboatError } from '../../../core/index.ts';
import { firstClosedFolder, giveTo, type ServerAccount } from '../server/index.ts';

/** Makes `folder` new, or takes an empty one, with mode 0700 and the owner that will run the server. */
export async function prepareTargetFolder(
  folder: string,
  account: ServerAccount | undefined,
): Promise<void> {
  try {
    await mkdir(dirname(folder), { recursive: true });
    await mkdir(folder, { recursive: true, mode: 0o700 });
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
    if (code === 'EEXIST' || code === 'ENOTDIR') {
      throw new LifeboatError('target.not-empty', `the target ${folder} is no folder`, {
        hint: 'Name a new or empty folder. A restore never writes over what is there.',
        context: { folder },
        cause: error,
      });
    }
    throw fileError(error, `could not prepare the target folder ${folder}`);
  }
}

async function refuseClosed(folder: string, account: ServerAccount | undefined): Promise<void> {
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
