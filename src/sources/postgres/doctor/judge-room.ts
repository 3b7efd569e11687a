import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { formatBytes } from '../../../core/index.ts';
import type { Finding } from '../../source.ts';
import { ok, warning } from './finding.ts';

/** Whether the disk of a folder (which need not exist yet) has room for `neededBytes`. */
export async function judgeRoom(
  check: string,
  folder: string,
  neededBytes: number,
  why: string,
): Promise<Finding> {
  const free = await freeBytes(folder);
  if (free === undefined) {
    return warning(check, `nobody knows how much room there is at ${folder}`, 'Check the path.');
  }
  const fact = `${formatBytes(free)} free at ${folder}`;
  if (free >= neededBytes) return ok(check, fact);
  return warning(
    check,
    `${fact}; ${why} needs about ${formatBytes(neededBytes)}`,
    'Free some space, or name a folder on another disk in the configuration.',
  );
}

/** Of the disk of a folder, which need not exist yet; undefined: nobody knows. */
export async function freeBytes(folder: string): Promise<number | undefined> {
  for (let path = folder; ; path = dirname(path)) {
    try {
      const facts = await statfs(path);
      return facts.bavail * facts.bsize;
    } catch {
      if (path === dirname(path)) return undefined;
    }
  }
}
