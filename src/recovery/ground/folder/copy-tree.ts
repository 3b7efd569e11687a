import { type BigIntStats, lstatSync } from 'node:fs';
import { link, lstat, mkdir, readdir, readlink, symlink } from 'node:fs/promises';
import { LifeboatError, throwIfAborted } from '../../../core/index.ts';
import { makeNode } from '../../../sources/index.ts';
import type { TreeDelivery } from '../ground.ts';
import { copyAttributes } from './attributes.ts';
import type { FolderActions } from './folder-actions.ts';

export interface CopyTreeOptions {
  readonly actions: FolderActions;
  readonly owner: TreeDelivery['owner'];
  /** Names directly in the tree that are left out. */
  readonly leftOut: ReadonlySet<string>;
  readonly signal: AbortSignal | undefined;
  /** Bytes of file content since the start. */
  readonly onBytes: (done: number) => void;
}

const slash = Buffer.from('/');

/**
 * Copies what is in a folder to another, empty one, and its attributes: every kind of entry but sockets, names as bytes, several names
 * of one file, holes, owners, times, extended attributes. Durable only after the file system was synchronised. Resolves with the number
 * of extended attributes that could not be kept.
 */
export async function copyTree(
  from: string,
  to: string,
  options: CopyTreeOptions,
): Promise<number> {
  const copy = new TreeCopy(options);
  await copy.folder(Buffer.from(from), Buffer.from(to), options.leftOut);
  return copy.lostAttributes;
}

class TreeCopy {
  readonly #options: CopyTreeOptions;
  /** By device and inode: where the first name of a file with several lies. */
  readonly #firstNames = new Map<string, Buffer>();
  #done = 0;
  lostAttributes = 0;

  constructor(options: CopyTreeOptions) {
    this.#options = options;
  }

  async folder(from: Buffer, to: Buffer, leftOut: ReadonlySet<string>): Promise<void> {
    for (const name of await readdir(from, { encoding: 'buffer' })) {
      if (leftOut.has(name.toString('latin1'))) continue;
      throwIfAborted(this.#options.signal);
      await this.#entry(Buffer.concat([from, slash, name]), Buffer.concat([to, slash, name]));
    }
    this.lostAttributes += copyAttributes(from, to, this.#options.owner);
  }

  async #entry(from: Buffer, to: Buffer): Promise<void> {
    const facts = lstatSync(from, { bigint: true });
    if (facts.isDirectory()) {
      await mkdir(to, { mode: 0o700 });
      return await this.folder(from, to, nothing);
    }
    if (facts.isSocket()) return;
    const key = `${facts.dev} ${facts.ino}`;
    const first = facts.nlink > 1n ? this.#firstNames.get(key) : undefined;
    if (first !== undefined) return await link(first, to);
    await this.#single(from, to, facts);
    this.lostAttributes += copyAttributes(from, to, this.#options.owner);
    if (facts.nlink > 1n) this.#firstNames.set(key, to);
  }

  async #single(from: Buffer, to: Buffer, facts: BigIntStats): Promise<void> {
    if (facts.isSymbolicLink()) {
      return await symlink(await readlink(from, { encoding: 'buffer' }), to);
    }
    if (facts.isFIFO()) return makeNode(to, 'fifo', 0o600);
    if (facts.isBlockDevice()) return makeNode(to, 'dev', 0o600, facts.rdev);
    if (facts.isCharacterDevice()) return makeNode(to, 'chardev', 0o600, facts.rdev);
    await this.#options.actions.copyFile(from, to);
    const { size } = await lstat(to, { bigint: true });
    if (size !== facts.size) {
      throw new LifeboatError('ground.failed', `${from.toString()} changed while it was copied`, {
        hint: 'Nobody may write to what is delivered. Restore it again.',
      });
    }
    this.#done += Number(size);
    this.#options.onBytes(this.#done);
  }
}

const nothing: ReadonlySet<string> = new Set();
