import { chmod, cp, mkdir } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileError, LifeboatError } from '../../../core/index.ts';
import { firstClosedFolder, type ServerAccount } from './account.ts';
import type { ServerPrograms } from './find-server-programs.ts';

/**
 * Programs that the account can run: these, or, where they lie behind a closed folder (npm packages in
 * root's home), a copy in the run folder. Only self-contained installations (`bin`, `lib` and `share` side by side) can be copied.
 */
export async function reachablePrograms(
  programs: ServerPrograms,
  account: ServerAccount | undefined,
  runFolder: string,
): Promise<ServerPrograms> {
  const closed = await firstClosedFolder(account, programs.postgres);
  if (closed === undefined) return programs;
  if (programs.origin !== 'npm') {
    throw new LifeboatError(
      'postgres.start-failed',
      `the account ${account?.name} cannot enter ${closed}, where the server programs lie`,
      {
        hint: `Let it in (chmod o+x ${closed}) or install the server package of the distribution.`,
        context: { folder: closed },
      },
    );
  }
  const copy = join(runFolder, 'programs');
  try {
    await mkdir(copy, { mode: 0o755 });
    // Links inside the package are relative and stay valid in the copy.
    await cp(dirname(programs.folder), copy, { recursive: true, verbatimSymlinks: true });
    await chmod(copy, 0o755);
  } catch (error) {
    throw fileError(error, `could not copy the server programs to ${copy}`);
  }
  const moved = (path: string) => join(copy, relative(dirname(programs.folder), path));
  return {
    ...programs,
    folder: moved(programs.folder),
    postgres: moved(programs.postgres),
    ...(programs.initdb ? { initdb: moved(programs.initdb) } : {}),
    ...(programs.pgCtl ? { pgCtl: moved(programs.pgCtl) } : {}),
  };
}
