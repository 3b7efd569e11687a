import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Whose a file is that this account may not use, and as whom to run instead: a hint. Undefined: access is not what fails. It is not opened for that,
 * which would end the locks that this process has on it. Never throws.
 */
export function deniedHint(path: string, wanted: 'read' | 'write'): string | undefined {
  const closed = closedBy(path, wanted);
  if (closed === undefined) return undefined;
  const owner = ownerOf(closed);
  if (owner === undefined)
    return 'This account may not use it: run the command as the one that may.';
  const account = owner === 'root' ? 'root' : `${owner}, or as root`;
  return `${closed} belongs to ${owner}: run the command as ${account}.`;
}

/** The file, a folder above it that lets nobody in, or, where something is to be written, its folder. */
function closedBy(path: string, wanted: 'read' | 'write'): string | undefined {
  if (wanted === 'read') return isDenied(path, constants.R_OK) ? innermost(path) : undefined;
  const mode = constants.R_OK | constants.W_OK;
  const parent = dirname(path);
  const denied = [path, parent].find((each) => isDenied(each, mode));
  return denied === undefined ? undefined : innermost(denied);
}

/** What is closed: of what lies in a closed folder nothing can be told. */
function innermost(path: string): string {
  let closed = path;
  while (ownerOf(closed) === undefined && dirname(closed) !== closed) closed = dirname(closed);
  return closed;
}

function isDenied(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return false;
  } catch (error) {
    return ['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '');
  }
}

function ownerOf(path: string): string | undefined {
  try {
    const { uid } = statSync(path);
    return nameOf(uid) ?? `the account with number ${uid}`;
  } catch {
    return undefined;
  }
}

function nameOf(uid: number): string | undefined {
  try {
    const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
    return lines.map((line) => line.split(':')).find(([, , number]) => number === String(uid))?.[0];
  } catch {
    return undefined;
  }
}
