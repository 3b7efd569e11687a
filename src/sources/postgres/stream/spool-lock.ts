import { randomBytes } from 'node:crypto';
import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileError, LifeboatError } from '../../../core/index.ts';

const heartbeatMs = 10_000;
/** A holder on another host (or in another container) cannot be probed; without a heartbeat for this long it is dead. */
const silentMaxMs = 60_000;

interface Holder {
  readonly host: string;
  readonly pid: number;
  /** The boot, and the ticks since it when the process started: a process id alone may have been given to somebody else. */
  readonly started: string;
}

/** Takes the spool for this process, or throws `spool.locked`. A dead holder's lock is replaced. Disposal gives it back. */
export async function lockSpool(folder: string): Promise<AsyncDisposable> {
  const path = join(folder, 'lock');
  const own = JSON.stringify(await describeProcess(process.pid));
  const temporary = `${path}-${randomBytes(6).toString('hex')}`;
  try {
    await writeFile(temporary, own, { flag: 'wx', mode: 0o600, flush: true });
    while (!(await linked(temporary, path))) await removeIfDead(path);
  } catch (error) {
    throw fileError(error, `could not lock the spool ${folder}`);
  } finally {
    await rm(temporary, { force: true });
  }
  const timer = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => {});
  }, heartbeatMs);
  timer.unref();
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await rm(path, { force: true });
    },
  };
}

/** `link` fails when the name exists, so exactly one process gets it. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function removeIfDead(path: string): Promise<void> {
  const seen = await readFile(path, 'utf8').catch(() => undefined);
  if (seen === undefined) return;
  const holder = parseHolder(seen);
  if (!holder || (await isAlive(holder, path))) {
    throw new LifeboatError('spool.locked', 'another process streams into this spool', {
      hint: `If it does not run any more, remove ${path}.`,
      context: holder ? { host: holder.host, pid: holder.pid } : {},
    });
  }
  const aside = `${path}-dead-${randomBytes(6).toString('hex')}`;
  await rename(path, aside);
  // Somebody may have replaced the dead lock between our look and our rename: then give it back.
  if ((await readFile(aside, 'utf8')) !== seen) await linked(aside, path);
  await rm(aside, { force: true });
}

async function isAlive(holder: Holder, path: string): Promise<boolean> {
  if (holder.host !== hostname()) {
    const { mtimeMs } = await stat(path);
    return Date.now() - mtimeMs < silentMaxMs;
  }
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return (await describeProcess(holder.pid)).started === holder.started;
}

async function describeProcess(pid: number): Promise<Holder> {
  // proc(5): the 22nd field of stat, counted after the command name, which may hold anything.
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const ticks = text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return { host: hostname(), pid, started: `${boot.trim()}:${ticks}` };
}

function parseHolder(text: string): Holder | undefined {
  try {
    const { host, pid, started } = JSON.parse(text) as Holder;
    return Number.isInteger(pid) && pid > 0 ? { host, pid, started } : undefined;
  } catch {
    return undefined;
  }
}
