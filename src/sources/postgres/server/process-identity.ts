import { execFile } from 'node:child_process';
import { readFile, readlink } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A process, told apart from a later one that was given the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in whatever unit the system has. Compared, never computed with. */
  readonly started: string;
  /** Boot of the machine and its space of process numbers, where the system tells: a number means something only there. */
  readonly space?: string;
}

/** Undefined when there is no such process. */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  const started = (await startInProc(pid)) ?? (await startFromPs(pid));
  if (started === undefined) return undefined;
  const space = await processSpace();
  return { pid, started, ...(space === undefined ? {} : { space }) };
}

/** One of another space (a container beside this one) cannot be seen from here, and is taken to live until the machine was booted anew. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  const here = await processSpace();
  const { space } = identity;
  if (space !== undefined && here !== undefined && space !== here) {
    return bootOf(space) === bootOf(here);
  }
  return (await identifyProcess(identity.pid))?.started === identity.started;
}

function bootOf(space: string): string | undefined {
  return space.split(' ')[0];
}

/** The working folder of a process where the system tells; a server's is its data folder. */
export async function workingFolder(pid: number): Promise<string | undefined> {
  return await readlink(`/proc/${pid}/cwd`).catch(() => undefined);
}

async function processSpace(): Promise<string | undefined> {
  try {
    const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    return `${boot} ${await readlink('/proc/self/ns/pid')}`;
  } catch {
    return undefined;
  }
}

async function startInProc(pid: number): Promise<string | undefined> {
  try {
    const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in brackets and may hold anything, also brackets.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : `${boot} ${fields[19]}`;
  } catch {
    return undefined;
  }
}

async function startFromPs(pid: number): Promise<string | undefined> {
  if (process.platform === 'linux') return undefined;
  try {
    const { stdout } = await run('ps', ['-o', 'lstart=', '-p', String(pid)]);
    return stdout.trim() || undefined;
  } catch {
    return undefined;
  }
}
