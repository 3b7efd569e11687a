import { execFile } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { fileError, LifeboatError } from '../../../core/index.ts';
import { chooseServerAccount, giveTo } from './account.ts';
import type { ServerPrograms } from './find-server-programs.ts';
import { launcherFor } from './isolation.ts';
import { reachablePrograms } from './reachable-programs.ts';
import { createRunFolder } from './run-folder.ts';

const run = promisify(execFile);

export interface InitClusterOptions {
  readonly programs: ServerPrograms;
  /** New or empty. Its parent folders must be open to the account of the server. */
  readonly dataFolder: string;
  readonly account?: string;
  readonly superuser?: string;
  readonly signal?: AbortSignal;
}

/** Makes a new, empty cluster (UTF-8, C locale, page checksums) that belongs to the server's account. */
export async function initCluster(options: InitClusterOptions): Promise<void> {
  const { programs, dataFolder, signal } = options;
  if (programs.initdb === undefined) {
    throw new LifeboatError('postgres.no-programs', `there is no initdb in ${programs.folder}`, {
      hint: 'Install the whole server package of this version.',
    });
  }
  const account = await chooseServerAccount(options.account);
  try {
    await mkdir(dataFolder, { recursive: true, mode: 0o700 });
    if ((await readdir(dataFolder)).length > 0) {
      throw new LifeboatError('target.not-empty', `the folder ${dataFolder} is not empty`, {
        hint: 'Name a new folder for the new cluster.',
      });
    }
    await giveTo(account, dataFolder);
  } catch (error) {
    throw fileError(error, `could not make ${dataFolder}`);
  }
  await using runFolder = await createRunFolder(account);
  const reachable = await reachablePrograms(programs, account, runFolder.path);
  const launcher = await launcherFor(reachable.initdb as string, { account, network: 'host' });
  const args = [
    '-D',
    dataFolder,
    '-U',
    options.superuser ?? 'postgres',
    '-E',
    'UTF8',
    '-A',
    'trust',
  ];
  try {
    await run(
      launcher.command,
      [...launcher.args, ...args, '--locale=C', '--data-checksums', '--no-sync'],
      {
        cwd: runFolder.socketFolder,
        env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
        ...(signal ? { signal } : {}),
        ...(launcher.uid === undefined ? {} : { uid: launcher.uid, gid: launcher.gid as number }),
      },
    );
  } catch (error) {
    if (signal?.aborted) throw new LifeboatError('cancelled', 'cancelled', { cause: error });
    const said = String((error as { stderr?: string }).stderr ?? error).trim();
    throw new LifeboatError('postgres.start-failed', `initdb failed: ${said.split('\n').at(-1)}`, {
      hint: 'The details hold everything that initdb said.',
      context: { output: said.slice(-4000) },
      cause: error,
    });
  }
}
