import { constants, readFileSync, realpathSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { fileError, type Progress } from '../../../core/index.ts';
import { syncFileSystem } from '../system/index.ts';

const task = 'sync files';
/** File systems that are no device by themselves, and yet keep files. Network ones write when a file is closed. */
const layered: readonly string[] = ['overlay', 'zfs'];

/**
 * What was written below a folder survives a loss of power when it resolves: its file system, and those mounted below it, are
 * told to write all that they hold back. Errors: `file.unreadable`, `disk.full`: then nothing is known about what was written.
 */
export async function bringToDisk(
  target: { readonly path: string; readonly fd: number },
  progress: Progress,
): Promise<void> {
  progress({ type: 'begin', task, title: 'bringing what was restored to the disk' });
  try {
    await syncFileSystem(target.fd);
    const system = {
      kinds: readFileSync('/proc/filesystems', 'utf8'),
      mounts: readFileSync('/proc/self/mountinfo', 'utf8'),
    };
    for (const path of mountsBelow(realpathSync(target.path), system)) await syncMount(path);
  } catch (error) {
    throw fileError(error, `could not bring what was restored to the disk of ${target.path}`);
  } finally {
    progress({ type: 'end', task });
  }
}

async function syncMount(path: string): Promise<void> {
  let folder: FileHandle;
  try {
    // Not on this thread: a disk that is about to fail may take its time.
    folder = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    // What cannot be opened, or is gone by now, was not written to.
    return;
  }
  try {
    await syncFileSystem(folder.fd);
  } finally {
    await folder.close();
  }
}

export interface SystemMounts {
  /** As /proc/filesystems has it. */
  readonly kinds: string;
  /** As /proc/self/mountinfo has it. */
  readonly mounts: string;
}

/** Where file systems that hold back what is written are mounted below a folder. */
export function mountsBelow(folder: string, { kinds, mounts }: SystemMounts): readonly string[] {
  const prefix = folder === '/' ? '/' : `${folder}/`;
  const withoutDevice = new Set(
    kinds
      .split('\n')
      .flatMap((line) => (line.startsWith('nodev\t') ? [line.slice('nodev\t'.length)] : [])),
  );
  return mounts.split('\n').flatMap((line) => {
    const [place = '', kind = ''] = line.split(' - ');
    const path = unescaped(place.split(' ')[4] ?? '');
    // `fuse.sshfs` is of the kind `fuse`. Whoever waits for one that is dead waits for ever.
    const type = kind.split(' ')[0]?.split('.')[0] ?? '';
    const keepsFiles = !withoutDevice.has(type) || layered.includes(type);
    return path !== folder && path.startsWith(prefix) && keepsFiles ? [path] : [];
  });
}

/** Blanks and the like stand there as \040. */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
