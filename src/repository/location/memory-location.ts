import { createHash } from 'node:crypto';
import { LifeboatError, throwIfAborted } from '../../core/index.ts';
import { assertFileName, assertFolderName } from './file-name.ts';
import type { ByteRange, FileInfo, FileKind, Location } from './location.ts';

/** A location that lives as long as the object, for tests. As strict about names as a REST server. */
export class MemoryLocation implements Location {
  readonly kind = 'memory';
  /** Only what lies in `locks` may be removed, as on a REST server with `--append-only`. */
  readonly appendOnly: boolean;
  readonly #files: Map<string, Uint8Array>;
  readonly #prefix: string;

  constructor(
    options: {
      readonly appendOnly?: boolean;
      readonly files?: Map<string, Uint8Array>;
      readonly prefix?: string;
    } = {},
  ) {
    this.appendOnly = options.appendOnly ?? false;
    this.#files = options.files ?? new Map();
    this.#prefix = options.prefix ?? '';
  }

  describe(): string {
    return `memory:${this.#prefix}`;
  }

  async create(signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal);
  }

  async list(kind: FileKind, signal?: AbortSignal): Promise<readonly FileInfo[]> {
    throwIfAborted(signal);
    const prefix = `${this.#prefix}${kind}/`;
    return [...this.#files]
      .filter(([path]) => path.startsWith(prefix))
      .map(([path, bytes]) => ({ name: path.slice(prefix.length), sizeBytes: bytes.length }));
  }

  async read(
    kind: FileKind,
    name: string,
    range?: ByteRange,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    throwIfAborted(signal);
    const bytes = this.#files.get(this.#pathOf(kind, name));
    if (bytes === undefined) {
      throw new LifeboatError('location.file-missing', `could not read ${kind}/${name}: missing`);
    }
    const end = range === undefined ? bytes.length : range.offset + range.length;
    if (end > bytes.length) {
      throw new LifeboatError('repository.damaged', `${kind}/${name} ends early`);
    }
    return bytes.slice(range?.offset ?? 0, end);
  }

  async write(
    kind: FileKind,
    name: string,
    bytes: Uint8Array,
    signal?: AbortSignal,
  ): Promise<void> {
    throwIfAborted(signal);
    const path = this.#pathOf(kind, name);
    if (kind === 'config' && this.#files.has(path)) {
      throw new LifeboatError('location.refused', 'could not write config: it exists already');
    }
    if (kind !== 'config' && createHash('sha256').update(bytes).digest('hex') !== name) {
      throw new LifeboatError('location.refused', `${kind}/${name}: the name is not the hash`);
    }
    // Copied: the caller may use its buffer again.
    this.#files.set(path, new Uint8Array(bytes));
  }

  async remove(kind: FileKind, name: string, signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    if (this.appendOnly && kind !== 'locks') {
      throw new LifeboatError('location.refused', `could not remove ${kind}/${name}: append-only`);
    }
    this.#files.delete(this.#pathOf(kind, name));
  }

  nested(folder: string): Location {
    assertFolderName(folder);
    const prefix = `${this.#prefix}${folder}/`;
    return new MemoryLocation({ appendOnly: this.appendOnly, files: this.#files, prefix });
  }

  #pathOf(kind: FileKind, name: string): string {
    assertFileName(kind, name);
    return `${this.#prefix}${kind}/${name}`;
  }
}
