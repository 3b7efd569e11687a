import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { throwIfAborted } from '../../../core/index.ts';
import { staysInPlace } from './layout.ts';

/** A setting may name the folder around the data directory: images of PostgreSQL have it in `18/docker` or `pgdata`. */
export const clusterDepthMax = 4;

/** True: it was all read, and no cluster lies there, nor in a folder of it. Whatever leaves a doubt is false. Errors: `cancelled`. */
export async function holdsNoCluster(
  folder: string,
  signal: AbortSignal | undefined,
  depth = 1,
): Promise<boolean> {
  throwIfAborted(signal);
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return false;
  const marks = depth === 1 ? ['PG_VERSION', 'pg_control'] : ['pg_control'];
  if (entries.some(({ name }) => marks.includes(name))) return false;
  if (depth === clusterDepthMax) return true;
  for (const entry of entries) {
    if (!entry.isDirectory() || staysInPlace.has(entry.name)) continue;
    if (!(await holdsNoCluster(join(folder, entry.name), signal, depth + 1))) return false;
  }
  return true;
}
