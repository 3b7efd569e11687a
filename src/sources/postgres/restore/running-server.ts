import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { LifeboatError } from '../../../core/index.ts';
import { linkedFolders } from './linked-folders.ts';
import { readUnfinished } from './unfinished-restore.ts';

/**
 * A server works in its data folder, and so do its children, which may outlive it. Whether one does is asked of the
 * system, not of `postmaster.pid` alone: that stays behind after a crash, and a container's says 1. What the folder's links
 * lead to is asked for too: in a copy of a data directory they lead to the original's. Errors: `target.in-use`.
 */
export async function refuseRunning(folder: string): Promise<void> {
  const linked = await linkedFolders(folder);
  for (const server of await runningServers()) {
    const shared = await sharedFolder(server, folder, linked);
    if (shared !== undefined) throw inUse(folder, shared, server.pid);
  }
  const pid = await writtenDown(folder);
  if (pid !== undefined) throw inUse(folder, folder, pid);
  await refuseUnseen(folder);
}

const initialNamespace = 'pid:[4026531836]';
/** In pg_control, in every version: the fifth number of four bytes. */
const stateAt = 16;
const shutDownStates: readonly number[] = [1, 2];

/** In a container the servers of other containers and of the host cannot be seen: `postmaster.pid` is all there is. */
async function refuseUnseen(folder: string): Promise<void> {
  const namespace = await readlink('/proc/self/ns/pid').catch(() => initialNamespace);
  if (namespace === initialNamespace) return;
  const control = await readFile(join(folder, 'global/pg_control')).catch(() => undefined);
  const isRunning =
    control !== undefined &&
    control.length >= stateAt + 4 &&
    !shutDownStates.includes(control.readUInt32LE(stateAt));
  if (
    !isRunning ||
    (await stat(join(folder, 'postmaster.pid')).catch(() => undefined)) === undefined
  )
    return;
  // One that was begun and killed: nobody else can have started a server there.
  if ((await readUnfinished(folder)) !== undefined) return;
  throw new LifeboatError('target.in-use', `a server may run on ${folder}, in another container`, {
    hint: `It was not shut down, and from here other containers cannot be seen. When it is sure that none runs, remove ${folder}/postmaster.pid.`,
    context: { folder },
  });
}

interface Worker {
  readonly pid: number;
  readonly cwd: string;
  /** Of the working folder. */
  readonly identity: string;
}

/** One process of each data folder that a server works in. */
async function runningServers(): Promise<readonly Worker[]> {
  const found = new Map<string, Worker>();
  for (const name of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(name)) continue;
    const program = await readFile(`/proc/${name}/comm`, 'utf8').catch(() => '');
    if (!/^(postgres|postmaster|edb-postgres)/.test(program)) continue;
    const cwd = `/proc/${name}/cwd`;
    const identity = await identityOf(cwd);
    if (identity !== undefined && !found.has(identity)) {
      found.set(identity, { pid: Number(name), cwd, identity });
    }
  }
  return [...found.values()];
}

/** The folder of ours that the server uses. */
async function sharedFolder(
  server: Worker,
  folder: string,
  linked: readonly string[],
): Promise<string | undefined> {
  const ours = [folder, ...linked];
  const theirs = new Set([server.identity, await identityThere(server, 'pg_wal')]);
  for (const name of await readdir(join(server.cwd, 'pg_tblspc')).catch(() => [])) {
    theirs.add(await identityThere(server, join('pg_tblspc', name)));
  }
  for (const each of ours) {
    const identity = await identityOf(each);
    if (identity !== undefined && theirs.has(identity)) return each;
  }
  return undefined;
}

/** A link in a container leads to a folder of the container. */
async function identityThere({ pid, cwd }: Worker, path: string): Promise<string | undefined> {
  const full = join(cwd, path);
  const target = await readlink(full).catch(() => undefined);
  if (target === undefined || !isAbsolute(target)) return await identityOf(full);
  return await identityOf(join(`/proc/${pid}/root`, target));
}

/** Device and inode: the same folder has another name in a container. */
async function identityOf(path: string): Promise<string | undefined> {
  const facts = await stat(path).catch(() => undefined);
  return facts && `${facts.dev} ${facts.ino}`;
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

function inUse(folder: string, shared: string, pid: number): LifeboatError {
  if (shared === folder) {
    return new LifeboatError('target.in-use', `a server runs on ${folder} (process ${pid})`, {
      hint: 'Stop it first, and whatever starts it again: a service, a container, a cluster manager.',
      context: { folder, pid },
    });
  }
  return new LifeboatError(
    'target.in-use',
    `a link in ${folder} leads to ${shared}, which the server of process ${pid} uses`,
    {
      hint: 'A copy of a data directory has the links of the original: give it folders of its own. If the server is the one to be restored, stop it.',
      context: { folder, shared, pid },
    },
  );
}
