import { readdir, readFile, realpath, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep } from '../../../core/index.ts';
import { isOwnFolder } from './account.ts';
import { identifyProcess, isAlive, workingFolder } from './process-identity.ts';
import {
  configurationArgument,
  ownerFile,
  type RunOwner,
  runFolderPrefix,
  temporaryRoots,
} from './run-folder.ts';
import { removeScratchFolder, scratchFolderPrefix, scratchOwner } from './scratch-folder.ts';

const unrecordedAgeMs = 3_600_000;

/**
 * Removes what a killed Lifeboat left behind: servers without an owner are stopped, scratch data and run folders
 * removed, in the temporary folders and in `scratchParent`. A folder that is not ours, or whose owner still lives, is not
 * touched. Returns the folders removed.
 */
export async function sweepScratch(scratchParent?: string): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const root of temporaryRoots()) {
    const names = await readdir(root).catch(() => []);
    for (const name of names) {
      const folder = join(root, name);
      // Anybody may make such a name in /tmp; what it says is believed only from ourselves.
      if (!name.startsWith(runFolderPrefix) || !(await isOwnFolder(folder))) continue;
      if (await sweepRun(folder)) removed.push(folder);
    }
  }
  // Those that no server was started on yet.
  for (const root of new Set([...temporaryRoots(), ...(scratchParent ? [scratchParent] : [])])) {
    for (const name of await readdir(root).catch(() => [])) {
      const folder = join(root, name);
      if (!name.startsWith(scratchFolderPrefix) || !(await isOwnFolder(folder))) continue;
      const owner = await scratchOwner(folder);
      if (!owner || (await isAlive(owner))) continue;
      await stopLeftServer(join(folder, 'data'));
      await removeScratchFolder(join(folder, 'data'));
      removed.push(folder);
    }
  }
  return removed;
}

async function sweepRun(folder: string): Promise<boolean> {
  const owner = await readOwner(folder);
  if (owner) {
    if (await isAlive(owner.owner)) return false;
    if (owner.dataFolder !== undefined) {
      await stopLeftServer(owner.dataFolder, folder);
      if (owner.dataIsScratch) await removeScratchFolder(owner.dataFolder);
    }
  } else if (await isYoung(folder)) {
    return false;
  }
  await rm(folder, { recursive: true, force: true });
  return true;
}

async function readOwner(folder: string): Promise<RunOwner | undefined> {
  try {
    const facts = JSON.parse(await readFile(ownerFile(folder), 'utf8')) as RunOwner;
    return facts.format === 1 ? facts : undefined;
  } catch {
    return undefined;
  }
}

/** A run that has just begun has no owner file yet. */
async function isYoung(folder: string): Promise<boolean> {
  const facts = await stat(folder).catch(() => undefined);
  return facts !== undefined && Date.now() - facts.mtimeMs < unrecordedAgeMs;
}

/**
 * Only a server that was started by that run, where there was one: the data folder of a restore in place may have become the live
 * server's again since.
 */
async function stopLeftServer(dataFolder: string, runFolder?: string): Promise<void> {
  const text = await readFile(join(dataFolder, 'postmaster.pid'), 'utf8').catch(() => '');
  const pid = Number(text.split('\n')[0]);
  if (!Number.isSafeInteger(pid) || pid <= 1) return;
  const server = await identifyProcess(pid);
  // The number may have been given to another process since: a server works in its data folder.
  const inFolder = await workingFolder(pid);
  const expected = await realpath(dataFolder).catch(() => undefined);
  if (!server || inFolder === undefined || inFolder !== expected) return;
  if (runFolder !== undefined && !(await isServerOf(runFolder, pid))) return;
  for (const name of ['SIGQUIT', 'SIGKILL'] as const) {
    signalProcess(pid, name);
    for (let waitedMs = 0; waitedMs < 10_000; waitedMs += 50) {
      if (!(await isAlive(server))) return;
      await sleep(50);
    }
  }
}

async function isServerOf(runFolder: string, pid: number): Promise<boolean> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return text.split('\0').includes(configurationArgument(runFolder));
}

function signalProcess(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // Gone in the meantime, which is what was wanted.
  }
}
