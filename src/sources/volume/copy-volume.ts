import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, posix } from 'node:path';
import {
  fileError,
  formatBytes,
  isLifeboatError,
  LifeboatError,
  type Progress,
  silentProgress,
  syncFolder,
} from '../../core/index.ts';
import { freeBytes } from '../postgres/doctor/judge-room.ts';
import { lockCopy } from './copy-lock.ts';
import { copyScript, copyScriptExits } from './copy-script.ts';
import { receiveArchive } from './receive-archive.ts';
import type { VolumeEngine } from './volume-engine.ts';

export interface CopyVolumeOptions {
  readonly engine: VolumeEngine;
  readonly volume: string;
  readonly subfolder: string | undefined;
  /** Default: that of a container that uses the volume. */
  readonly image: string | undefined;
  /** Where the copy lies; the same each time, so that a backup finds what has not changed. What is there is removed. */
  readonly folder: string;
  /** For people: `docker volume shop_uploads`. */
  readonly text: string;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: Progress | undefined;
}

/** Files of a volume as this host sees them. Disposal removes a copy. */
export interface VolumeFiles extends AsyncDisposable {
  readonly folder: string;
  readonly isCopy: boolean;
  /** What must be known of it: files that changed or went while they were read. */
  readonly warnings: readonly string[];
}

/** Where the helper container has the volume. */
const mountPoint = '/volume';

/**
 * Brings the files of a volume to this host through a helper container that has it read-only, no network, and nothing else. Takes root,
 * or their owners would be lost. Errors: `volume.missing` (it lacks the folder), `volume.unreadable` (no image, or one without tar),
 * `volume.unavailable`, `disk.full`, `cancelled`.
 */
export async function copyVolume(options: CopyVolumeOptions): Promise<VolumeFiles> {
  const { folder, text, signal, progress = silentProgress } = options;
  await using stack = new AsyncDisposableStack();
  stack.use(await lockCopy(folder, text));
  const image = await imageFor(options);
  const bytes = await sizeOf(options, image);
  await requireRoom(options, bytes);
  try {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await syncFolder(dirname(folder));
  } catch (error) {
    throw fileError(error, `could not make room for a copy of ${text} at ${folder}`);
  }
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const task = 'copy-volume';
  progress({ type: 'begin', task, title: `copying ${text} to this host` });
  try {
    const name = containerName(folder);
    stack.defer(() => options.engine.remove(name));
    // One that a killed process left behind.
    await options.engine.remove(name);
    const end = await receiveArchive({
      docker: options.engine.command(containerWords(options, image, { name, operation: 'read' })),
      folder,
      signal,
      onBytes: (done) => {
        const total = Math.max(done, bytes);
        progress({ type: 'progress', task, done, total, unit: 'bytes' });
      },
    });
    judge(options, image, end);
    const said = end.stderr.split('\n').filter((line) => line.trim() !== '');
    const warnings =
      end.exitCode === 0 ? [] : [`${text} changed while it was read: ${said.slice(-3).join('; ')}`];
    const kept = stack.move();
    return { folder, isCopy: true, warnings, [Symbol.asyncDispose]: () => kept.disposeAsync() };
  } finally {
    progress({ type: 'end', task });
  }
}

async function imageFor({ engine, volume, image, text, signal }: CopyVolumeOptions) {
  const found = image ?? (await engine.imageOfUser(volume, signal));
  if (found !== undefined) return found;
  throw new LifeboatError('volume.unreadable', `no image is known to read ${text}`, {
    hint: 'No container uses the volume. Name one that has sh and tar as `image` of the source, such as busybox or the image of the service.',
  });
}

async function sizeOf(options: CopyVolumeOptions, image: string): Promise<number> {
  const words = containerWords(options, image, { operation: 'size' });
  const end = await options.engine.run(words, options.signal);
  judge(options, image, end);
  return Number(/^\d+/.exec(end.stdout)?.[0] ?? 0) * 1024;
}

async function requireRoom({ folder, text }: CopyVolumeOptions, bytes: number): Promise<void> {
  const free = await freeBytes(folder);
  if (free === undefined || free >= bytes) return;
  throw new LifeboatError(
    'disk.full',
    `${folder} has room for ${formatBytes(free)}, a copy of ${text} takes ${formatBytes(bytes)}`,
    {
      hint: 'Nothing was copied. Make room, name another folder as `state`, or run Lifeboat on the host of the engine, where nothing is copied.',
      context: { freeBytes: free, neededBytes: bytes },
    },
  );
}

function containerWords(
  { volume, subfolder }: CopyVolumeOptions,
  image: string,
  { name, operation }: { readonly name?: string; readonly operation: 'size' | 'read' },
): readonly string[] {
  const mount = `type=volume,source=${volume},target=${mountPoint},volume-nocopy,readonly`;
  const at = posix.join(mountPoint, subfolder ?? '');
  return [
    ...['run', '--rm', '--network', 'none', '--user', '0:0', '--log-driver', 'none'],
    ...(name === undefined ? [] : ['--name', name]),
    ...['--mount', mount, '--entrypoint', 'sh', image, '-c', copyScript, 'lifeboat'],
    ...[operation, at],
  ];
}

/** Of this host and folder: several may read volumes of one engine. */
function containerName(folder: string): string {
  const hash = createHash('sha256').update(`${hostname()}\n${folder}`).digest('hex').slice(0, 16);
  return `lifeboat-read-${hash}`;
}

/** docker-run(1), "Exit status": 125 to 127 are of the engine, not of the script. What tar ends with by itself is 1 where files changed. */
function judge(
  { engine, text }: CopyVolumeOptions,
  image: string,
  end: { readonly exitCode: number; readonly stderr: string },
): void {
  if (end.exitCode === 0 || end.exitCode === 1) return;
  if (end.exitCode === copyScriptExits.noFolder) {
    throw new LifeboatError('volume.missing', `${text} is not there`, {
      hint: 'Nothing was stored, and nothing was taken for deleted. Correct `subfolder`, or put it back.',
    });
  }
  if (end.exitCode === 126 || end.exitCode === 127) {
    throw new LifeboatError('volume.unreadable', `the image ${image} lacks a program`, {
      hint: 'It needs sh, tar and du, as busybox and coreutils have them. Name another `image` of the source.',
      context: { said: end.stderr.split('\n').slice(-4) },
    });
  }
  throw engine.failed(end);
}

/** Whether a volume that cannot be read in place may be copied by this process. */
export function mayCopy(error: unknown): boolean {
  return isLifeboatError(error, 'volume.unreadable') && process.geteuid?.() === 0;
}
