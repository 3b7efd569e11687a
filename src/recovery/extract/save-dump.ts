import { link, lstat, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileError, LifeboatError, type Progress, syncFolder } from '../../core/index.ts';
import {
  type ClientPrograms,
  type ConnectionSettings,
  runClientProgram,
} from '../../sources/index.ts';
import type { DumpFormat } from './destination.ts';

export interface SaveDumpOptions {
  readonly programs: ClientPrograms;
  readonly past: ConnectionSettings;
  readonly selection: readonly string[];
  readonly path: string;
  readonly format: DumpFormat;
  /** About what the tables take. */
  readonly estimatedBytes: number;
  readonly signal?: AbortSignal | undefined;
  readonly progress: Progress;
}

const pollMs = 500;

/** Errors: `extract.exists`, `file.unreadable` (no such folder). */
export async function requireNewFile(path: string): Promise<void> {
  const isTaken = await lstat(path).then(
    () => true,
    () => false,
  );
  if (isTaken) {
    throw new LifeboatError('extract.exists', `${path} exists already`, {
      hint: 'Nothing is ever replaced: name another file.',
    });
  }
  await stat(dirname(path)).catch((error) => {
    throw fileError(error, `could not look at ${dirname(path)}`);
  });
}

/**
 * Has pg_dump write the file, or folder, beside its place under another name; only a whole one gets the name. A kill leaves one
 * that the next call for the same path removes. Returns its size. Errors: `dump.failed`, `extract.exists`, `disk.full`.
 */
export async function saveDump(options: SaveDumpOptions): Promise<number> {
  const { programs, past, selection, path, format, signal, progress } = options;
  await removeLeftovers(path);
  const partial = join(dirname(path), `${partialPrefix(path)}${process.pid}`);
  const poll = setInterval(() => void tellSize(partial, options), pollMs);
  try {
    await runClientProgram({
      program: programs.pgDump,
      // Subscriptions of the copy have lost their connection: nothing worth keeping.
      args: [`--format=${format}`, `--file=${partial}`, '--no-subscriptions', ...selection],
      connection: past,
      failure: 'dump.failed',
      signal,
    });
    const bytes = await sizeOf(partial);
    await putInPlace(partial, path, format);
    progress({ type: 'progress', task: 'extract', done: bytes, total: bytes, unit: 'bytes' });
    return bytes;
  } catch (error) {
    throw fileError(error, `could not write ${path}`);
  } finally {
    clearInterval(poll);
    await rm(partial, { recursive: true, force: true });
  }
}

async function putInPlace(partial: string, path: string, format: DumpFormat): Promise<void> {
  if (format === 'directory') {
    await requireNewFile(path);
    await rename(partial, path);
  } else {
    // Unlike a rename, a link never replaces what somebody else put there meanwhile.
    await link(partial, path).catch(async (error) => {
      await requireNewFile(path);
      throw error;
    });
  }
  await syncFolder(dirname(path));
}

function partialPrefix(path: string): string {
  return `.${basename(path)}.lifeboat-`;
}

async function removeLeftovers(path: string): Promise<void> {
  const prefix = partialPrefix(path);
  for (const name of await readdir(dirname(path))) {
    const pid = Number(name.startsWith(prefix) ? name.slice(prefix.length) : Number.NaN);
    if (!Number.isInteger(pid) || (pid !== process.pid && isRunning(pid))) continue;
    await rm(join(dirname(path), name), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function tellSize(path: string, { estimatedBytes, progress }: SaveDumpOptions) {
  const done = await sizeOf(path).catch(() => 0);
  const total = Math.max(done, estimatedBytes);
  progress({ type: 'progress', task: 'extract', done, total, unit: 'bytes' });
}

async function sizeOf(path: string): Promise<number> {
  const facts = await stat(path);
  if (!facts.isDirectory()) return facts.size;
  const names = await readdir(path);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(path, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
