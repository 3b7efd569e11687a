import { closeSync, constants, openSync, readFileSync, realpathSync } from 'node:fs';
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
    for (const path of mountsBelow(realpathSync(target.path))) await syncMount(path);
  } catch (error) {
    throw fileError(error, `could not bring what was restored to the disk of ${target.path}`);
  } finally {
    progress({ type: 'end', task });
  }
}

async function syncMount(path: string): Promise<void> {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    // What cannot be opened, or is gone by now, was not written to.
    return;
  }
  try {
    await syncFileSystem(fd);
  } finally {
    closeSync(fd);
  }
}

function mountsBelow(folder: string): readonly string[] {
  const prefix = folder === '/' ? '/' : `${folder}/`;
  const withoutDevice = new Set(
    readFileSync('/proc/filesystems', 'utf8')
      .split('\n')
      .flatMap((line) => (line.startsWith('nodev\t') ? [line.slice('nodev\t'.length)] : [])),
  );
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [place = '', kind = ''] = line.split(' - ');
      const path = unescaped(place.split(' ')[4] ?? '');
      const type = kind.split(' ')[0] ?? '';
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
