import { createHash } from 'node:crypto';
import type { Dirent } from 'node:fs';
import {
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LifeboatError, syncFolder, throwIfAborted } from '../../core/index.ts';
import { assertFileName, assertFolderName, isHashName } from './file-name.ts';
import { localError } from './local-error.ts';
import { removeOldTemporaryFile, writeTemporaryFile } from './local-temporary-file.ts';
import {
  type ByteRange,
  type FileInfo,
  type FileKind,
  fileKinds,
  type Location,
} from './location.ts';
import { otherBytes } from './rest-error.ts';

/** Readable by the owner only, and read-only as restic makes them: never changed, only removed. */
const fileMode = 0o400;
const folderMode = 0o700;

/**
 * restic's local layout: a folder per kind, and `data/` split into 256 subfolders by the first two
 * digits of the name. A crash at any moment leaves a file absent or whole; files that are still being
 * written have names that no reader of the format takes for a repository file.
 */
export class LocalLocation implements Location {
  readonly kind = 'local';
  readonly path: string;
  /** Of the whole repository: where its config is. */
  readonly #root: string;

  constructor(path: string, root = path) {
    this.path = path;
    this.#root = root;
  }

  describe(): string {
    return this.path;
  }

  async create(signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    try {
      await mkdir(this.path, { recursive: true, mode: folderMode });
      for (const kind of fileKinds) {
        if (kind !== 'config') await makeFolder(join(this.path, kind));
      }
      for (let part = 0; part < 256; part++) {
        await makeFolder(join(this.path, 'data', part.toString(16).padStart(2, '0')));
      }
      // From the innermost folder outwards: an entry is durable once its folder is.
      await syncFolder(join(this.path, 'data'));
      await syncFolder(this.path);
      await syncFolder(dirname(this.path));
    } catch (error) {
      throw localError(error, `could not create the repository folders in ${this.path}`);
    }
  }

  async list(kind: FileKind, signal?: AbortSignal): Promise<readonly FileInfo[]> {
    try {
      if (kind === 'config') return await this.#config();
      if (kind !== 'data') return await listFolder(join(this.path, kind), signal);
      const parts = await entriesOf(join(this.path, 'data'));
      const files: FileInfo[] = [];
      for (const part of parts) {
        if (!/^[0-9a-f]{2}$/.test(part.name)) continue;
        for (const file of await listFolder(join(this.path, 'data', part.name), signal)) {
          if (file.name.startsWith(part.name)) files.push(file);
        }
      }
      return files;
    } catch (error) {
      throw localError(error, `could not list ${kind} in ${this.path}`);
    }
  }

  async read(
    kind: FileKind,
    name: string,
    range?: ByteRange,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    throwIfAborted(signal);
    const path = this.pathOf(kind, name);
    try {
      await using file = await open(path, 'r');
      const { offset, length } = range ?? { offset: 0, length: (await file.stat()).size };
      return await readExactly(file, offset, length, path);
    } catch (error) {
      throw localError(error, `could not read ${path}`);
    }
  }

  async write(
    kind: FileKind,
    name: string,
    bytes: Uint8Array,
    signal?: AbortSignal,
  ): Promise<void> {
    throwIfAborted(signal);
    const path = this.pathOf(kind, name);
    try {
      const temporary = await this.#temporaryFor(kind, path, bytes);
      try {
        // The config has one name for different bytes: `link` refuses where `rename` would replace.
        if (kind === 'config') await placeOnce(temporary, path);
        else await replaceBySame(temporary, path, name, bytes);
      } finally {
        await rm(temporary, { force: true });
      }
      await syncFolder(dirname(path));
    } catch (error) {
      throw localError(error, `could not write ${path}`);
    }
  }

  /** Takes over a pack that a thread wrote by `openTemporaryPack`, whose SHA-256 is `name`. Durable when it resolves. */
  async adoptPack(name: string, temporary: string, signal?: AbortSignal): Promise<void> {
    const path = this.pathOf('data', name);
    try {
      try {
        throwIfAborted(signal);
        await finishFile(temporary);
        if (await moveIntoFolder(temporary, path)) await syncFolder(dirname(path));
        // Subfolders may lie on different disks.
        else await this.write('data', name, await readFile(temporary), signal);
      } finally {
        await rm(temporary, { force: true });
      }
    } catch (error) {
      throw localError(error, `could not write ${path}`);
    }
  }

  async discardPack(temporary: string): Promise<void> {
    await rm(temporary, { force: true }).catch(() => {});
  }

  async remove(kind: FileKind, name: string, signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    const path = this.pathOf(kind, name);
    try {
      await rm(path, { force: true });
    } catch (error) {
      throw localError(error, `could not remove ${path}`);
    }
  }

  /** On a network file system the clock is that of its server. */
  async modifiedAt(kind: FileKind, name: string): Promise<Date | undefined> {
    const info = await stat(this.pathOf(kind, name)).catch(() => undefined);
    return info?.mtime;
  }

  nested(folder: string): Location {
    assertFolderName(folder);
    return new LocalLocation(join(this.path, folder), this.#root);
  }

  /** Where a file lies, for threads that read it themselves. */
  pathOf(kind: FileKind, name: string): string {
    assertFileName(kind, name);
    if (kind === 'config') return join(this.path, 'config');
    if (kind === 'data') return join(this.path, 'data', name.slice(0, 2), name);
    return join(this.path, kind, name);
  }

  async #config(): Promise<readonly FileInfo[]> {
    const info = await sizeOf(join(this.path, 'config'));
    return info === undefined ? [] : [{ name: 'config', sizeBytes: info }];
  }

  /** Copies made by programs that skip empty folders lack subfolders: those are made again, but never
   * where there is no config: the disk may not be mounted. */
  async #temporaryFor(kind: FileKind, path: string, bytes: Uint8Array): Promise<string> {
    try {
      return await writeTemporaryFile(path, bytes, fileMode);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || kind === 'config') throw error;
      // An empty mount point is no repository.
      await stat(join(this.#root, 'config'));
      await makeFolder(join(this.path, kind));
      if (kind === 'data') await makeFolder(dirname(path));
      await syncFolder(join(this.path, kind));
      await syncFolder(this.path);
      return await writeTemporaryFile(path, bytes, fileMode);
    }
  }
}

/** A hash names its bytes, so replacing is harmless, and heals a copy that was damaged; with those bytes only. */
async function replaceBySame(
  temporary: string,
  path: string,
  name: string,
  bytes: Uint8Array,
): Promise<void> {
  const exists = (await sizeOf(path)) !== undefined;
  if (exists && createHash('sha256').update(bytes).digest('hex') !== name) {
    throw otherBytes(`could not write ${path}`);
  }
  await rename(temporary, path);
}

/** Durable, and as read-only as the file system can have it. */
async function finishFile(path: string): Promise<void> {
  await using file = await open(path, 'r+');
  await file.chmod(fileMode).catch(() => {});
  await file.sync();
}

/** False when the two lie on different file systems. */
async function moveIntoFolder(temporary: string, path: string): Promise<boolean> {
  const sizeBytes = await sizeOf(temporary);
  for (let tries = 0; ; tries++) {
    try {
      await rename(temporary, path);
      return true;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EXDEV') return false;
      if (code !== 'ENOENT' || tries > 0) throw error;
      // A server may have done it and its answer been lost.
      const isDone = sizeBytes !== undefined && (await sizeOf(path)) === sizeBytes;
      if (isDone && (await sizeOf(temporary)) === undefined) return true;
      // The folder is one of 256, which some copies of repositories lack.
      await makeFolder(dirname(path));
      await syncFolder(dirname(dirname(path)));
    }
  }
}

async function placeOnce(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    // File systems without hard links (exFAT, some shares): the best they allow is to look first.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(code)) throw error;
    if ((await sizeOf(path)) !== undefined) throw Object.assign(error as Error, { code: 'EEXIST' });
    await rename(temporary, path);
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: folderMode });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

async function listFolder(folder: string, signal?: AbortSignal): Promise<FileInfo[]> {
  throwIfAborted(signal);
  const files: FileInfo[] = [];
  await Promise.all(
    (await entriesOf(folder)).map(async ({ name }) => {
      if (!isHashName(name)) return removeOldTemporaryFile(folder, name);
      const sizeBytes = await sizeOf(join(folder, name));
      if (sizeBytes !== undefined) files.push({ name, sizeBytes });
    }),
  );
  return files;
}

async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Undefined when there is no such file, be it that it went away a moment ago. */
async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const info = await stat(path);
    return info.isFile() ? info.size : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function readExactly(
  file: FileHandle,
  offset: number,
  length: number,
  path: string,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) {
      throw new LifeboatError('repository.damaged', `${path} ends early`, {
        hint: 'Run `lifeboat check` to see what is affected.',
        context: { path, offset, wantedBytes: length, gotBytes: filled },
      });
    }
    filled += bytesRead;
  }
  return bytes;
}
