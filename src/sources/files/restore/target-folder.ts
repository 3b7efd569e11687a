import {
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  statfsSync,
  statSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileError, formatBytes, LifeboatError } from '../../../core/index.ts';
import { LocalLocation, type Location } from '../../../repository/index.ts';

/** The target as it is before a restore. */
export interface TargetFolder {
  readonly path: string;
  /** Undefined: it does not exist, and this is a plan. */
  readonly fd: number | undefined;
  /** Nothing is in it. */
  readonly isEmpty: boolean;
}

/** Opens the folder, made if need be, once for all: whatever happens to its path later, this folder is the target. */
export function openTarget(path: string, isPlan: boolean): TargetFolder {
  try {
    if (isPlan && !existsSync(path)) return { path, fd: undefined, isEmpty: true };
    if (!isPlan) makeFolders(path);
    const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
    return { path, fd, isEmpty: readdirSync(`/proc/self/fd/${fd}`).length === 0 };
  } catch (error) {
    throw fileError(error, `could not open the target folder ${path}`);
  }
}

/** One after the other: where none may be made (`/proc`), Node's own way never ends. */
function makeFolders(path: string): void {
  if (existsSync(path)) return;
  if (dirname(path) !== path) makeFolders(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Errors: `target.unsafe` for a folder of the repository that is restored from. */
export function assertOutsideRepository(path: string, location: Location): void {
  if (!(location instanceof LocalLocation)) return;
  const repository = resolve(location.path);
  for (let each = resolve(path); ; each = dirname(each)) {
    if (isSame(each, repository)) {
      throw new LifeboatError('target.unsafe', `${path} lies in the repository itself`, {
        hint: 'Choose a folder outside of it.',
      });
    }
    if (each === dirname(each)) return;
  }
}

/** Errors: `disk.full`, before anything is written. */
export function assertRoom(path: string, neededBytes: number): void {
  let folder = path;
  while (!existsSync(folder)) folder = dirname(folder);
  const { bavail, bsize } = statfsSync(folder);
  const freeBytes = bavail * bsize;
  if (neededBytes <= freeBytes) return;
  throw new LifeboatError(
    'disk.full',
    `${path} has room for ${formatBytes(freeBytes)}, the restore needs ${formatBytes(neededBytes)}`,
    {
      hint: 'Nothing was written. Choose another target, or a part of the snapshot. If much of it is holes or is there already, give --ignore-space.',
      context: { freeBytes, neededBytes },
    },
  );
}

/** The repository's folder, for a restore into something above it. */
export function sparedFolder(
  location: Location,
): { readonly device: bigint; readonly inode: bigint } | undefined {
  if (!(location instanceof LocalLocation)) return undefined;
  const info = statSync(join(location.path), { bigint: true, throwIfNoEntry: false });
  return info && { device: info.dev, inode: info.ino };
}

function isSame(path: string, other: string): boolean {
  const a = statSync(path, { throwIfNoEntry: false });
  const b = statSync(other, { throwIfNoEntry: false });
  return a !== undefined && a.ino === b?.ino && a.dev === b.dev;
}
