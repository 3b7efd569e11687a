import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { clusterOf, controlDataBytes } from '../../../sources/index.ts';

/**
 * The system identifier of the cluster whose data directory this is; undefined: it is none, or does not show which. Whoever writes there may
 * have put anything in the place of `pg_control`: only a file is read, and little of it.
 */
export async function clusterIn(folder: string): Promise<string | undefined> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  try {
    await using file = await open(
      join(folder, 'global/pg_control'),
      O_RDONLY | O_NOFOLLOW | O_NONBLOCK,
    );
    if (!(await file.stat()).isFile()) return undefined;
    const { bytesRead, buffer } = await file.read(Buffer.alloc(controlDataBytes), 0, null, 0);
    return clusterOf(buffer.subarray(0, bytesRead));
  } catch {
    // What cannot be read says nothing.
    return undefined;
  }
}
