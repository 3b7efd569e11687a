import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LifeboatError } from '../../../core/index.ts';

/**
 * A folder that an account named to us and that belongs to it. Held open: whatever its path is turned into afterwards, only what that
 * account may touch itself is touched. We may be root, and the account need not be honest.
 */
export class TrustedFolder implements AsyncDisposable {
  readonly #handle: FileHandle;
  readonly #owner: Owner;
  #number = 0;

  private constructor(handle: FileHandle, owner: Owner) {
    this.#handle = handle;
    this.#owner = owner;
  }

  /** Errors: `archive.refused` when it is no folder of that account. */
  static async open(path: string, owner: Owner): Promise<TrustedFolder> {
    const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
    const handle = await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if ((await handle.stat()).uid === owner.uid) return new TrustedFolder(handle, owner);
    await handle.close();
    throw notOwned(path, owner);
  }

  async isAt(path: string): Promise<boolean> {
    const held = await this.#handle.stat({ bigint: true });
    const found = await lstat(path, { bigint: true }).catch(() => undefined);
    return found?.dev === held.dev && found.ino === held.ino;
  }

  async names(): Promise<ReadonlySet<string>> {
    return new Set(await readdir(this.#path('')));
  }

  /** Whole under its name, or not there. It belongs to the account. */
  async publish(name: string, bytes: Uint8Array): Promise<void> {
    const { O_WRONLY, O_CREAT, O_EXCL } = constants;
    const temporary = this.#path(`making-${process.pid}-${this.#number++}`);
    try {
      const file = await open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0o600);
      try {
        await writeWhole(file, bytes);
        if (process.geteuid?.() === 0) await file.chown(this.#owner.uid, this.#owner.gid);
      } finally {
        await file.close();
      }
      await rename(temporary, this.#path(name));
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      throw error;
    }
  }

  async remove(name: string): Promise<void> {
    await rm(this.#path(name), { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }

  #path(name: string): string {
    return join(`/proc/self/fd/${this.#handle.fd}`, name);
  }
}

/** In one go where the system can: `writeFile` cuts what is large into small pieces. */
async function writeWhole(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await file.write(bytes, done, bytes.length - done)).bytesWritten;
  }
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Opens a file that an account named to us: a real file that belongs to it, so that it could have read it itself. Errors:
 * `archive.refused`.
 */
export async function openTrusted(path: string, owner: Owner): Promise<FileHandle> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const handle = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  const facts = await handle.stat();
  if (facts.isFile() && facts.uid === owner.uid) return handle;
  await handle.close();
  throw notOwned(path, owner);
}

function notOwned(path: string, { uid }: Owner): LifeboatError {
  return new LifeboatError('archive.refused', `${path} does not belong to the account ${uid}`, {
    hint: 'Set `archive: { account: }` to the account that the database server runs as, and run `lifeboat archive` again.',
  });
}
