import { mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Configuration } from '../../config/index.ts';
import { fileError } from '../../core/index.ts';

/** Where the state folder is closed to the account that runs database servers, as root's is. */
const openParent = '/var/lib/lifeboat-runs';

/**
 * The folder of a run on this host, for whole databases: in the scratch folder where one is configured. Whoever runs the server of a
 * restored database can come through to it, and sees nothing on the way. Errors: `file.unreadable`, `disk.full`.
 */
export async function makeRunFolder(
  { scratchFolder, stateFolder }: Pick<Configuration, 'scratchFolder' | 'stateFolder'>,
  run: string,
): Promise<string> {
  const parent = join(scratchFolder ?? stateFolder, 'runs');
  const isClosed = process.getuid?.() === 0 && !(await isPassable(dirname(parent)));
  const folder = join(isClosed ? openParent : parent, run);
  try {
    await mkdir(folder, { recursive: true, mode: 0o711 });
  } catch (error) {
    throw fileError(error, `could not make ${folder}`);
  }
  return folder;
}

async function isPassable(folder: string): Promise<boolean> {
  for (let at = folder; ; at = dirname(at)) {
    const found = await stat(at).catch(() => undefined);
    if (found !== undefined && (found.mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}
