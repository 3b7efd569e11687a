import { assert, isLifeboatError, Turn } from '../../core/index.ts';
import { Catalog } from './catalog.ts';
import { conflict, isStoredAlready } from './compare-stored.ts';
import { consolidate } from './consolidate.ts';
import { dropCoveredPieces } from './drop-pieces.ts';
import type { Log, LogSpan } from './log.ts';
import { LogContents } from './log-contents.ts';
import { encodeManifest, type FileEntry, type Manifest, type SegmentEntry } from './manifest.ts';
import { mergePieces } from './merge-pieces.ts';
import type { NestedArea } from './nested-area.ts';
import { sha256 } from './nested-file.ts';
import { noPrevious } from './nested-header.ts';
import { refreshCatalog } from './read-catalog.ts';
import { readSpan } from './read-span.ts';

const readAttempts = 4;

export interface LogInventory {
  /** By stream, then by position. */
  readonly segments: readonly SegmentEntry[];
  readonly files: readonly FileEntry[];
  /** Of segments and pieces together. */
  readonly spans: readonly LogSpan[];
  /** Whether the file of an entry is there, as long as it should be. */
  readonly isWhole: (entry: SegmentEntry | FileEntry) => boolean;
  /** Below this position of a stream nothing is taken any more: a prune found it unneeded. */
  readonly floorOf: (stream: string) => bigint;
}

/** A log in the nested area of a repository. */
export class StoredLog implements Log {
  readonly name: string;
  readonly #area: NestedArea;
  readonly #catalog = new Catalog();
  readonly #contents: LogContents;
  readonly #unreadable = new Map<string, string>();
  readonly #turn = new Turn();
  #isLoaded = false;

  constructor(area: NestedArea, name: string) {
    assert(/^[^\0]{1,255}$/.test(name), 'a log has a name of at most 255 characters');
    this.name = name;
    this.#area = area;
    this.#contents = new LogContents(area, name);
  }

  appendSegment(stream: string, start: bigint, bytes: Uint8Array): Promise<void> {
    assert(bytes.length > 0, 'a segment has at least one byte');
    return this.#turn.take(async () => {
      await this.#load();
      const offered = { stream, start, bytes };
      // Given up already: no snapshot needs it.
      if (start + BigInt(bytes.length) <= this.#catalog.floorOf(stream)) return;
      if (await this.#isStored(offered, 'segment')) return await this.#tidy();
      const file = await this.#store(offered);
      // Its pieces are compared with it before they are dropped; the caller's bytes spare reading it back.
      this.#contents.remember(file, bytes);
      try {
        await this.#tidy();
      } finally {
        this.#contents.forget(file);
      }
    });
  }

  appendPiece(stream: string, start: bigint, bytes: Uint8Array): Promise<void> {
    assert(bytes.length > 0, 'a piece has at least one byte');
    return this.#turn.take(async () => {
      await this.#load();
      if (await this.#isStored({ stream, start, bytes }, 'any')) return;
      const header = { kind: 'piece' as const, level: 0, log: this.name, part: stream };
      const place = { position: start, previous: noPrevious };
      const stored = await this.#area.write('locks', { ...header, ...place }, bytes);
      const { name, content } = stored;
      const lengthBytes = bytes.length;
      this.#catalog.pieces.set(name, { stream, start, lengthBytes, level: 0, file: name, content });
      this.#contents.remember(name, new Uint8Array(bytes));
      await this.#tidy(() => {
        return mergePieces(this.#area, this.name, this.#catalog, this.#contents, stream);
      });
    });
  }

  appendFile(name: string, bytes: Uint8Array): Promise<void> {
    return this.#turn.take(async () => {
      await this.#load();
      const content = sha256(bytes);
      for (const entry of this.#catalog.filesNamed(name)) {
        if (entry.content !== content) throw conflict(this.name, name);
        if ((await this.#contents.orUndefined(entry)) !== undefined) return;
      }
      const header = { kind: 'file' as const, level: 0, log: this.name, part: name, position: 0n };
      const stored = await this.#area.write('data', { ...header, previous: noPrevious }, bytes);
      const place = { file: stored.name, storedBytes: stored.bytes.length, content };
      const entry = { name, lengthBytes: bytes.length, ...place };
      await this.#announce({ segments: [], files: [entry], supersedes: [] });
      await this.#tidy();
    });
  }

  async readFile(name: string): Promise<Uint8Array | undefined> {
    await this.#refresh();
    let failure: unknown;
    for (const entry of this.#catalog.filesNamed(name)) {
      try {
        return new Uint8Array(await this.#contents.of(entry));
      } catch (error) {
        if (!isLifeboatError(error, 'repository.damaged', 'location.file-missing')) throw error;
        failure = error;
      }
    }
    if (failure !== undefined) throw failure;
    return undefined;
  }

  async fileNames(): Promise<readonly string[]> {
    await this.#refresh();
    return this.#catalog.fileNames();
  }

  async coverage(signal?: AbortSignal): Promise<readonly LogSpan[]> {
    await this.#refresh(signal);
    return this.#catalog.spans();
  }

  /** Looks at the repository again only when something is not where the catalog has it. */
  async read(
    stream: string,
    start: bigint,
    end: bigint,
    signal?: AbortSignal,
    room?: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array> {
    assert(start <= end, 'a span ends where it starts or later');
    if (!this.#isLoaded) await this.#refresh(signal);
    for (let attempt = 1; ; attempt++) {
      try {
        const span = { stream, start, end };
        return await readSpan(this.name, this.#catalog, this.#contents, span, signal, room);
      } catch (error) {
        const mayBeOutdated = isLifeboatError(error, 'log.gap', 'location.file-missing');
        // One look is enough for a gap; a piece may be dropped again between the look and the read.
        const last = isLifeboatError(error, 'log.gap') ? 2 : readAttempts;
        if (!mayBeOutdated || attempt >= last) throw error;
        await this.#refresh(signal);
      }
    }
  }

  /** What is stored, entry by entry, as the repository is now. */
  async inventory(signal?: AbortSignal): Promise<LogInventory> {
    // The files after the manifests: one that is appended meanwhile is not taken for missing.
    await this.#refresh(signal);
    const files = await this.#area.list('data', signal);
    const sizes = new Map(files.map(({ name, sizeBytes }) => [name, sizeBytes]));
    return {
      segments: this.#catalog.segments(),
      files: this.#catalog.files(),
      spans: this.#catalog.spans(),
      isWhole: ({ file, storedBytes }) => sizes.get(file) === storedBytes,
      floorOf: (stream) => this.#catalog.floorOf(stream),
    };
  }

  /** The bytes of an entry of `inventory`; the caller's own. Errors: `repository.damaged`, `location.file-missing`. */
  readEntry(entry: SegmentEntry | FileEntry, signal?: AbortSignal): Promise<Uint8Array> {
    return this.#contents.owned(entry, signal);
  }

  #isStored(
    offered: { readonly stream: string; readonly start: bigint; readonly bytes: Uint8Array },
    wanted: 'segment' | 'any',
  ): Promise<boolean> {
    return isStoredAlready(this.name, this.#catalog, this.#contents, offered, wanted);
  }

  /** The bytes are durable before the manifest that names them: a crash in between leaves a file that
   * nothing refers to, and the segment is appended again. */
  async #store(offered: {
    readonly stream: string;
    readonly start: bigint;
    readonly bytes: Uint8Array;
  }): Promise<string> {
    const { stream, start, bytes } = offered;
    const before = this.#catalog.segmentsOverlapping(stream, start - 1n, start);
    const header = { kind: 'segment' as const, level: 0, log: this.name, part: stream };
    const place = { position: start, previous: before.at(-1)?.content ?? noPrevious };
    const stored = await this.#area.write('data', { ...header, ...place }, bytes);
    const lengthBytes = bytes.length;
    const size = { lengthBytes, storedBytes: stored.bytes.length };
    const entry = { stream, start, ...size, file: stored.name, content: stored.content };
    await this.#announce({ segments: [entry], files: [], supersedes: [] });
    return stored.name;
  }

  async #announce(manifest: Manifest): Promise<void> {
    const header = { kind: 'manifest' as const, level: 0, log: this.name, part: '', position: 0n };
    const payload = encodeManifest(manifest);
    const folder = this.#area.isRetained ? 'index' : 'locks';
    const { name } = await this.#area.write(folder, { ...header, previous: noPrevious }, payload);
    const place = folder === 'index' ? this.#catalog.consolidated : this.#catalog.fresh;
    place.set(name, manifest);
    this.#catalog.addManifest(manifest);
  }

  /** What was appended is durable already: trouble here must not take that back. The next append tries again. */
  async #tidy(more?: () => Promise<void>): Promise<void> {
    try {
      await dropCoveredPieces(this.#area, this.#catalog, this.#contents);
      await more?.();
      await consolidate(this.#area, this.name, this.#catalog);
    } catch (error) {
      if (!isLifeboatError(error) || error.code === 'bug') throw error;
    }
  }

  async #load(): Promise<void> {
    if (!this.#isLoaded) await this.#look();
  }

  #refresh(signal?: AbortSignal): Promise<void> {
    return this.#turn.take(() => this.#look(signal));
  }

  async #look(signal?: AbortSignal): Promise<void> {
    const [area, log, catalog] = [this.#area, this.name, this.#catalog];
    const [contents, unreadable] = [this.#contents, this.#unreadable];
    await refreshCatalog({ area, log, catalog, contents, unreadable }, signal);
    this.#isLoaded = true;
  }
}
