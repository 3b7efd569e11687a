import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ByteRange, FileKind } from '../location.ts';
import { sweepCache } from './cache-sweep.ts';

/** What a file was when its bytes were last compared with its name. */
type Identity = string;

const dayMs = 24 * 3_600_000;

/**
 * Copies of repository files in a folder. A copy is compared with its name (its SHA-256) before it is first used in a process,
 * and again when the file is not the one that was compared. Nothing here is ever missed: whatever goes wrong is a miss.
 * Several processes may use one folder: files appear by renaming, and whoever finds one gone asks the repository.
 */
export class CacheStore {
  readonly folder: string;
  readonly #limitBytes: number;
  readonly #verified = new Map<string, Identity>();
  #untilSweep = 0;
  #sweeping: Promise<void> | undefined;

  constructor(folder: string, limitBytes: number) {
    this.folder = folder;
    this.#limitBytes = limitBytes;
  }

  /** Undefined: it is not here. `short`: it is here, and ends before the range does. */
  async read(
    area: string,
    kind: FileKind,
    name: string,
    range: ByteRange | undefined,
  ): Promise<Uint8Array | 'short' | undefined> {
    const path = this.#pathOf(area, kind, name);
    try {
      await using file = await open(path, 'r');
      const { size, identity } = await identityOf(file);
      if (this.#verified.get(path) !== identity) {
        const whole = await readAll(file, 0, size);
        if (whole === undefined || sha256(whole) !== name) return await this.#discard(path);
        await touch(path, file);
        this.#verified.set(path, (await identityOf(file)).identity);
        return cut(whole, range);
      }
      if (range !== undefined && range.offset + range.length > size) return 'short';
      return await readAll(file, range?.offset ?? 0, range?.length ?? size);
    } catch {
      return undefined;
    }
  }

  /** Keeps a copy of bytes that were found to have that name. */
  async keep(area: string, kind: FileKind, name: string, bytes: Uint8Array): Promise<void> {
    if (bytes.length > this.#limitBytes / 4) return;
    const path = this.#pathOf(area, kind, name);
    const temporary = `${path}-${randomBytes(6).toString('hex')}.tmp`;
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writeFile(temporary, bytes, { mode: 0o600, flag: 'wx' });
      await rename(temporary, path);
    } catch {
      await rm(temporary, { force: true }).catch(() => {});
      return;
    }
    this.#untilSweep -= bytes.length;
    if (this.#untilSweep < 0) await this.#sweep();
  }

  async drop(area: string, kind: FileKind, name: string): Promise<void> {
    await this.#discard(this.#pathOf(area, kind, name));
  }

  #pathOf(area: string, kind: FileKind, name: string): string {
    return join(this.folder, area, kind, name.slice(0, 2), name);
  }

  async #discard(path: string): Promise<undefined> {
    this.#verified.delete(path);
    await rm(path, { force: true }).catch(() => {});
  }

  /** Once at first, then whenever a sixteenth of the limit was added. */
  async #sweep(): Promise<void> {
    this.#untilSweep = this.#limitBytes / 16;
    this.#sweeping ??= sweepCache(this.folder, this.#limitBytes).finally(() => {
      this.#sweeping = undefined;
    });
    await this.#sweeping.catch(() => {});
  }
}

/** What was used last is evicted last; to the day, so that processes do not make each other verify again. */
async function touch(path: string, file: FileHandle): Promise<void> {
  const { mtimeMs } = await file.stat();
  const now = new Date();
  if (now.getTime() - mtimeMs > dayMs) await utimes(path, now, now).catch(() => {});
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function cut(whole: Uint8Array, range: ByteRange | undefined): Uint8Array | 'short' {
  if (range === undefined) return whole;
  const end = range.offset + range.length;
  return end > whole.length ? 'short' : whole.slice(range.offset, end);
}

async function identityOf(file: FileHandle): Promise<{ size: number; identity: Identity }> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await file.stat({ bigint: true });
  return { size: Number(size), identity: [dev, ino, size, mtimeNs, ctimeNs].join() };
}

/** Undefined when the file is shorter. */
async function readAll(
  file: FileHandle,
  offset: number,
  length: number,
): Promise<Uint8Array | undefined> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) return undefined;
    filled += bytesRead;
  }
  return bytes;
}
