import { execFile } from 'node:child_process';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fileError, LifeboatError } from '../../../core/index.ts';
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

/**
 * A server works in its data folder, and so do its children, which may outlive it. Whether one does is asked of the
 * system, not of `postmaster.pid` alone: that stays behind after a crash, and a container's says 1.
 */
export async function refuseRunning(folder: string): Promise<void> {
  const pid = (await workers(folder))[0] ?? (await writtenDown(folder));
  if (pid === undefined) return;
  throw new LifeboatError('target.in-use', `a server runs on ${folder} (process ${pid})`, {
    hint: 'Stop it first, and whatever starts it again: a service, a container, a cluster manager.',
    context: { folder, pid },
  });
}

async function workers(folder: string): Promise<readonly number[]> {
  const wanted = await stat(folder);
  const found: number[] = [];
  for (const name of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(name)) continue;
    // By device and inode: the same folder has another name in a container.
    const facts = await stat(`/proc/${name}/cwd`).catch(() => undefined);
    if (facts?.dev !== wanted.dev || facts.ino !== wanted.ino) continue;
    const program = await readFile(`/proc/${name}/comm`, 'utf8').catch(() => '');
    if (/^(postgres|postmaster|edb-postgres)/.test(program)) found.push(Number(name));
  }
  return found;
}

/** The process that postmaster.pid names, where its working folder may not be looked at and it may be the server. */
async function writtenDown(folder: string): Promise<number | undefined> {
  const text = await readFile(join(folder, 'postmaster.pid'), 'utf8').catch(() => '');
  const pid = Number(/^-?(\d+)/.exec(text)?.[1] ?? 0);
  if (pid === 0) return undefined;
  const isVisible = await stat(`/proc/${pid}/cwd`).then(
    () => true,
    (error: NodeJS.ErrnoException) => process.platform === 'linux' && error.code === 'ENOENT',
  );
  return !isVisible && isAlive(pid) ? pid : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
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
