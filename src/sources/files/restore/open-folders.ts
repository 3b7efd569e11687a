import { constants, fstatSync, mkdirSync } from 'node:fs';
import { closeDescriptor, openAt } from '../system/index.ts';
import { systemErrorCode } from './system-error.ts';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;

/** A folder below the target, open. */
export interface OpenFolder {
  readonly fd: number;
  /** `/proc/self/fd/N/`: what is put behind it is looked up in the folder itself, wherever that is by now. */
  readonly prefix: Buffer;
}

interface Entry extends OpenFolder {
  uses: number;
}

/**
 * Folders by their path below the target. Each is opened from the one above it and only when it is a real folder: a
 * symbolic link in the middle of a path is never followed, whoever puts it there, whenever. Some stay open for what
 * comes next.
 */
export class OpenFolders {
  readonly #target: OpenFolder;
  readonly #nameBytes: (name: string) => Buffer;
  readonly #maxOpen: number;
  /** The one used last is the last. */
  readonly #open = new Map<string, Entry>();

  constructor(targetFd: number, nameBytes: (name: string) => Buffer, maxOpen: number) {
    this.#target = opened(targetFd);
    this.#nameBytes = nameBytes;
    this.#maxOpen = maxOpen;
  }

  /**
   * Stays open until `release`. With `made`, folders that are missing are created (mode 0700) and their paths added to
   * it. Throws as Node's file functions do: ENOENT, ENOTDIR, ELOOP.
   */
  hold(path: string, made?: string[]): OpenFolder {
    if (path === '') return this.#target;
    const entry = this.#open.get(path);
    if (entry !== undefined) {
      this.#open.delete(path);
      this.#open.set(path, entry);
      entry.uses++;
      return entry;
    }
    const cut = path.lastIndexOf('/');
    const parentPath = path.slice(0, Math.max(cut, 0));
    const parent = this.hold(parentPath, made);
    try {
      const name = this.#nameBytes(path.slice(cut + 1));
      const fd = openFolder(parent, name, made && (() => made.push(path)));
      const fresh: Entry = { ...opened(fd), uses: 1 };
      this.#open.set(path, fresh);
      this.#closeUnused();
      return fresh;
    } finally {
      this.release(parentPath);
    }
  }

  release(path: string): void {
    const entry = this.#open.get(path);
    if (entry !== undefined) entry.uses--;
  }

  /** At the end. The target stays open: it is not ours. */
  close(): void {
    for (const { fd } of this.#open.values()) closeDescriptor(fd);
    this.#open.clear();
  }

  #closeUnused(): void {
    if (this.#open.size <= this.#maxOpen) return;
    for (const [path, { fd, uses }] of this.#open) {
      if (uses > 0) continue;
      this.#open.delete(path);
      closeDescriptor(fd);
      if (this.#open.size <= this.#maxOpen) return;
    }
  }
}

/** Device and inode, as they are in every path. */
export function identityOf({ fd }: OpenFolder): { readonly dev: bigint; readonly ino: bigint } {
  return fstatSync(fd, { bigint: true });
}

function openFolder(
  parent: OpenFolder,
  name: Buffer,
  onMissing: (() => unknown) | undefined,
): number {
  const flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
  try {
    return openAt(parent.fd, name, flags);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT' || onMissing === undefined) throw error;
  }
  mkdirSync(Buffer.concat([parent.prefix, name]), { mode: 0o700 });
  onMissing();
  return openAt(parent.fd, name, flags);
}

function opened(fd: number): OpenFolder {
  return { fd, prefix: Buffer.from(`/proc/self/fd/${fd}/`) };
}
