import { readFile, statfs } from 'node:fs/promises';
import { sleep } from '../../../core/index.ts';
import type { DiskState } from './host-damage.ts';
import type { PartWork } from './part-runner.ts';

/** A dead network file system never answers. */
const answerMs = 2000;
/** Mounts that are made from memory by the kernel, and images that are read-only by nature. */
const unreal = new Set(
  'autofs binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts devtmpfs efivarfs fusectl hugetlbfs mqueue nsfs proc pstore ramfs rpc_pipefs securityfs squashfs sysfs tracefs iso9660'.split(
    ' ',
  ),
);

export interface Mount {
  readonly mount: string;
  readonly device: string;
  readonly fileSystem: string;
  readonly isReadOnly: boolean;
  readonly readOnlyBy?: 'errors' | 'mount';
}

/** The file systems of this host that hold data, and what of ours lies on them. `places`: by path, what lies there. */
export async function lookAtDisks(
  places: readonly { readonly path: string; readonly what: string }[],
  part: PartWork,
): Promise<readonly DiskState[]> {
  const mounts = parseMounts(await readFile('/proc/self/mountinfo', 'utf8'));
  const holds = Map.groupBy(places, ({ path }) => mountOf(mounts, path)?.mount);
  const found = await Promise.all(
    mounts.map(async (each): Promise<DiskState | undefined> => {
      const held = [...new Set((holds.get(each.mount) ?? []).map(({ what }) => what))];
      // The same file system is mounted at many places in containers: those that nothing of ours lies on say nothing new.
      if (each.fileSystem === 'overlay' && held.length === 0 && each.mount !== '/')
        return undefined;
      if (each.fileSystem === 'tmpfs' && held.length === 0) return undefined;
      const answer = await Promise.race([
        statfs(each.mount).catch((error: NodeJS.ErrnoException) => error.code ?? 'unreadable'),
        sleep(answerMs, part.signal).then(
          () => 'it does not answer',
          () => 'it did not answer in time',
        ),
      ]);
      if (typeof answer === 'string') {
        if (held.length > 0 || answer.startsWith('it ')) part.gaps.push(`${each.mount}: ${answer}`);
        return undefined;
      }
      return {
        ...each,
        sizeBytes: answer.blocks * answer.bsize,
        freeBytes: answer.bavail * answer.bsize,
        ...(answer.files > 0 ? { inodes: answer.files, freeInodes: answer.ffree } : {}),
        holds: held,
      };
    }),
  );
  const there = found.filter((each) => each !== undefined);
  return oncePerDevice(there).toSorted((a, b) => b.holds.length - a.holds.length);
}

/** Bind mounts show one file system many times: those that hold something stay, else the first. */
function oncePerDevice(disks: readonly DiskState[]): readonly DiskState[] {
  return [
    ...Map.groupBy(disks, ({ device, sizeBytes }) => `${device} ${sizeBytes}`).values(),
  ].flatMap((alike) => {
    const holding = alike.filter(({ holds }) => holds.length > 0);
    return holding.length > 0 ? holding : alike.slice(0, 1);
  });
}

/** The last mounted at a place is what is seen there. `proc(5)`: fields up to ` - `, then type, device, options of the file system. */
export function parseMounts(text: string): readonly Mount[] {
  const found = new Map<string, Mount>();
  for (const line of text.split('\n')) {
    const [head = '', tail = ''] = line.split(' - ');
    const [, , , , mount, options = ''] = head.split(' ');
    const [fileSystem = '', device = '', own = ''] = tail.split(' ');
    if (mount === undefined || unreal.has(fileSystem)) continue;
    const readOnlyBy = readOnlyByOf(options.split(','), own.split(','));
    const at = unescaped(mount);
    found.set(at, {
      mount: at,
      device: unescaped(device),
      fileSystem,
      isReadOnly: readOnlyBy !== undefined,
      ...(readOnlyBy === undefined ? {} : { readOnlyBy }),
    });
  }
  return [...found.values()];
}

/** A person makes the mount read-only, the kernel after errors only the file system below it; ext4 of Linux 6.15 and later says so in words of its own. */
function readOnlyByOf(
  mount: readonly string[],
  fileSystem: readonly string[],
): Mount['readOnlyBy'] | undefined {
  if (['emergency_ro', 'shutdown'].some((word) => fileSystem.includes(word))) return 'errors';
  if (mount.includes('ro')) return 'mount';
  return fileSystem.includes('ro') ? 'errors' : undefined;
}

/** Spaces and the like stand as `\\040`. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/** The innermost mount that a path lies in. */
export function mountOf(mounts: readonly Mount[], path: string): Mount | undefined {
  const holding = mounts.filter(({ mount }) => {
    return mount === '/' || path === mount || path.startsWith(`${mount}/`);
  });
  return holding.toSorted((a, b) => b.mount.length - a.mount.length)[0];
}
