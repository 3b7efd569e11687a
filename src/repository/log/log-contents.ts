import { isLifeboatError } from '../../core/index.ts';
import type { StoredSpan } from './catalog.ts';
import { ContentCache } from './content-cache.ts';
import type { FileEntry } from './manifest.ts';
import { assertHeader, type NestedArea } from './nested-area.ts';
import type { OpenedFile } from './nested-file.ts';
import { damaged, type NestedHeader } from './nested-header.ts';

/** Four segments of the usual size, with room for the pieces of the next. */
const cacheBytes = 80 * 1024 * 1024;

/** Reads what the catalog names, checked against all that the catalog says about it. */
export class LogContents {
  readonly #area: NestedArea;
  readonly #log: string;
  readonly #cache = new ContentCache(cacheBytes);

  constructor(area: NestedArea, log: string) {
    this.#area = area;
    this.#log = log;
  }

  /** The plain bytes; not to be changed. Errors: `repository.damaged`, `location.file-missing`. */
  async of(entry: StoredSpan | FileEntry, signal?: AbortSignal): Promise<Uint8Array> {
    const cached = this.#cache.get(entry.file);
    if (cached !== undefined) return cached;
    const content = await this.#read(entry, signal);
    this.#cache.set(entry.file, content);
    return content;
  }

  /** As `of`, but the bytes are the caller's own, who has all of them and will hardly ask again. `room`: see `Log.read`. */
  async owned(
    entry: StoredSpan | FileEntry,
    signal?: AbortSignal,
    room?: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array> {
    const cached = this.#cache.get(entry.file);
    return cached === undefined ? await this.#read(entry, signal, room) : new Uint8Array(cached);
  }

  /** What is at hand without reading; not to be changed. */
  cached(entry: StoredSpan | FileEntry): Uint8Array | undefined {
    return this.#cache.get(entry.file);
  }

  /** As `of`, but undefined when the bytes cannot be had because they are damaged or gone. */
  async orUndefined(entry: StoredSpan | FileEntry): Promise<Uint8Array | undefined> {
    try {
      return await this.of(entry);
    } catch (error) {
      if (isLifeboatError(error, 'repository.damaged', 'location.file-missing')) return undefined;
      throw error;
    }
  }

  forget(file: string): void {
    this.#cache.delete(file);
  }

  remember(file: string, content: Uint8Array): void {
    this.#cache.set(file, content);
  }

  async #read(
    entry: StoredSpan | FileEntry,
    signal?: AbortSignal,
    room?: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array> {
    const folder = 'level' in entry ? 'locks' : 'data';
    const opened = await this.#area.read(folder, entry.file, signal, entry.lengthBytes, room);
    assertIsEntry(this.#log, entry, opened, `lifeboat/${folder}/${entry.file}`);
    return opened.payload;
  }
}

/** Compares what was read with all that the catalog says about it. Errors: `repository.damaged`. */
export function assertIsEntry(
  log: string,
  entry: StoredSpan | FileEntry,
  opened: OpenedFile,
  subject: string,
): void {
  assertHeader(opened.header, wantedHeader(log, entry), subject);
  if (opened.content !== entry.content) throw damaged(subject, 'it has other content');
}

function wantedHeader(log: string, entry: StoredSpan | FileEntry): Partial<NestedHeader> {
  const { lengthBytes } = entry;
  if ('name' in entry) return { kind: 'file', log, part: entry.name, lengthBytes };
  const kind = 'level' in entry ? 'piece' : 'segment';
  return { kind, log, part: entry.stream, position: entry.start, lengthBytes };
}
