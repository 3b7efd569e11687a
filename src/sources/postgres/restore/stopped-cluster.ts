import { execFile } from 'node:child_process';
import { readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fileError, LifeboatError } from '../../../core/index.ts';
import { refuseRunning } from './running-server.ts';
import { readUnfinished, type UnfinishedRestore } from './unfinished-restore.ts';

const run = promisify(execFile);

/** A data directory of this host on which no server runs. */
export interface StoppedCluster {
  /** Without links. */
  readonly folder: string;
  /** Decimal; of the cluster that lies there, or that a restore was begun over. */
  readonly systemId: string;
  /** Set when a restore in place was begun there and did not come to its end. */
  readonly unfinished: UnfinishedRestore | undefined;
  /** Name of the account that owns it, and runs its server. */
  readonly account: string;
  readonly uid: number;
}

/**
 * Looks at a data directory that is to be restored over. Errors: `target.not-cluster` (none, or not to be told which),
 * `target.in-use`.
 */
export async function inspectStoppedCluster(path: string): Promise<StoppedCluster> {
  const folder = await realpath(path).catch((error) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      throw fileError(error, `could not look at ${path}`);
    throw noCluster(path, 'it does not exist');
  });
  await refuseRunning(folder);
  const unfinished = await readUnfinished(folder);
  const systemId = unfinished?.systemId ?? (await readSystemId(folder));
  if (systemId === undefined) throw noCluster(path, 'it has no global/pg_control');
  const { uid } = await stat(folder);
  return { folder, systemId, unfinished, account: await accountName(uid), uid };
}

/** The first eight bytes of pg_control, in every version. */
async function readSystemId(folder: string): Promise<string | undefined> {
  try {
    const bytes = await readFile(join(folder, 'global/pg_control'));
    return bytes.length < 8 ? undefined : bytes.readBigUInt64LE(0).toString();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return undefined;
    throw fileError(error, `could not read ${folder}/global/pg_control`);
  }
}

async function accountName(uid: number): Promise<string> {
  return await run('id', ['-un', '--', String(uid)]).then(
    ({ stdout }) => stdout.trim(),
    () => String(uid),
  );
}

function noCluster(path: string, why: string): LifeboatError {
  return new LifeboatError('target.not-cluster', `${path} is no data directory: ${why}`, {
    hint: 'A restore in place goes over one that exists. Without --in-place, --to takes a new folder.',
    context: { folder: path },
  });
}
