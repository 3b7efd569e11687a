import { constants } from 'node:os';
import { linuxCalls, systemError } from './linux-calls.ts';

const SEEK_DATA = 3;
const SEEK_HOLE = 4;

/**
 * Where the next data at or behind `offset` begins; undefined when only a hole follows. Moves the file's own offset: read by
 * position beside it. Where holes cannot be told, all is data.
 */
export function nextData(fd: number, offset: number): number | undefined {
  return seek(fd, offset, SEEK_DATA);
}

/** Where the next hole at or behind `offset` begins; the end of the file counts as one. Undefined behind the end. */
export function nextHole(fd: number, offset: number): number | undefined {
  return seek(fd, offset, SEEK_HOLE);
}

function seek(fd: number, offset: number, whence: number): number | undefined {
  const calls = linuxCalls();
  if (calls === undefined) return whence === SEEK_DATA ? offset : Number.MAX_SAFE_INTEGER;
  const found = calls.lseek(fd, offset, whence);
  if (found >= 0) return found;
  const errno = calls.errno();
  if (errno === constants.errno.ENXIO) return undefined;
  throw systemError('lseek', errno);
}
