import { constants } from 'node:fs';
import { access, readFile, realpath, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import type { EngineFacts, VolumeEngine, VolumeFacts } from './volume-engine.ts';

/** Where this process reads and writes the files of a volume itself, or why it cannot. */
export type ReadableFolder = { readonly folder: string } | { readonly why: string };

/** Times of a folder that is written to change between being asked for and being looked at. */
const attempts = 5;

/**
 * The folder that the engine has the volume in, where it is proven to be the one that this process sees: a path alone proves nothing,
 * for an engine elsewhere, or one in a machine of its own, has such folders too. Errors: `volume.unavailable`, `cancelled`.
 */
export async function readableFolder(
  volume: VolumeFacts,
  engine: Pick<VolumeEngine, 'describe' | 'inspect'>,
  signal?: AbortSignal,
): Promise<ReadableFolder> {
  const why =
    notHere(volume) ?? outOfReach(await engine.describe(signal)) ?? (await unreadable(volume));
  if (why !== undefined) return { why };
  for (let attempt = 0, seen: VolumeFacts | undefined = volume; seen && attempt < attempts; ) {
    if (await isSameFolder(seen)) return { folder: volume.mountpoint };
    attempt++;
    seen = await engine.inspect(volume.name, signal);
  }
  return { why: `${volume.mountpoint} of this host is not the folder of the engine` };
}

function notHere({ name, driver, mountpoint }: VolumeFacts): string | undefined {
  if (driver !== 'local') return `${name} is of the volume driver ${driver}`;
  return mountpoint === '' ? `the engine does not say where ${name} is` : undefined;
}

/** Why this process cannot work on volumes of the engine itself; undefined: it may. */
export function outOfReach(engine: EngineFacts): string | undefined {
  if (engine.hostname !== hostname()) {
    return `the engine runs on ${engine.hostname}, this is ${hostname()}`;
  }
  // What containers own belongs to others here, and would be given to those when it is put back.
  return engine.mapsAccounts ? 'the engine maps the accounts of containers to others' : undefined;
}

async function unreadable({ mountpoint, isMounted }: VolumeFacts): Promise<string | undefined> {
  try {
    await access(mountpoint, constants.R_OK | constants.X_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR'
      ? `${mountpoint} does not exist on this host`
      : `this account may not read ${mountpoint} (${code})`;
  }
  // Its folder is empty meanwhile: that must not be taken for the volume.
  if (!isMounted || (await isMountPoint(mountpoint))) return undefined;
  return 'what it is made of is mounted only while a container uses it, and none does';
}

/** Docker's local driver says the time of change of the inode, of the folder itself or of the one it is in, depending on its version. */
async function isSameFolder({ mountpoint, createdAtMs }: VolumeFacts): Promise<boolean> {
  for (const path of [dirname(mountpoint), mountpoint]) {
    const facts = await stat(path, { bigint: true }).catch(() => undefined);
    if (facts && Number(facts.ctimeNs / 1_000_000_000n) * 1000 === createdAtMs) return true;
  }
  return false;
}

async function isMountPoint(path: string): Promise<boolean> {
  // proc(5): blanks and backslashes are octal there.
  const known = (await readFile('/proc/self/mountinfo', 'utf8'))
    .split('\n')
    .map((line) =>
      line
        .split(' ')[4]
        ?.replace(/\\([0-7]{3})/g, (_, octal: string) =>
          String.fromCharCode(Number.parseInt(octal, 8)),
        ),
    );
  return known.includes(await realpath(path));
}

/** Undefined when there is none, or when a link leads out of the volume. */
export async function folderWithin(
  folder: string,
  subfolder: string | undefined,
): Promise<string | undefined> {
  if (subfolder === undefined) return folder;
  const wanted = join(folder, subfolder);
  const [root, real] = await Promise.all([
    realpath(folder),
    realpath(wanted).catch(() => undefined),
  ]);
  const facts = real === undefined ? undefined : await stat(real);
  return facts?.isDirectory() && real?.startsWith(`${root}/`) ? wanted : undefined;
}
