import { readSync } from 'node:fs';
import type { BlobId, BlobSink, ContentCutter } from '../../../repository/thread.ts';
import { chunkMaxBytes, chunkMinBytes } from '../../../repository/thread.ts';
import { nextData, nextHole } from '../system/index.ts';

/** How much is looked at before a cut is searched for; most chunks end within the second. */
const windows = [chunkMinBytes, 3 * chunkMinBytes, chunkMaxBytes / 2, chunkMaxBytes];
/** Runs of zeros are stored in pieces of just this length, by which restic knows where to leave holes. */
const zeroChunkBytes = 512 * 1024;

export interface SavedContent {
  /** `"id","id"`, as it stands in a node. */
  readonly text: string;
  readonly bytes: number;
}

export interface ContentFacts {
  readonly sizeBytes: number;
  /** Whether the file takes less room than its size. */
  readonly isSparse: boolean;
}

/** Reads open files, cuts them into chunks and saves these. One buffer serves all files of a thread. */
export class ContentSaver {
  readonly #sink: BlobSink;
  readonly #cutter: ContentCutter;
  readonly #onRead: (bytes: number) => void;
  readonly #buffer = Buffer.from(new ArrayBuffer(chunkMaxBytes + 1));
  #zeroChunk: BlobId | undefined;

  constructor(sink: BlobSink, cutter: ContentCutter, onRead: (bytes: number) => void) {
    this.#sink = sink;
    this.#cutter = cutter;
    this.#onRead = onRead;
  }

  save(fd: number, facts: ContentFacts): SavedContent {
    if (facts.sizeBytes > this.#cutter.minBytes) return this.#saveLarge(fd, facts);
    // One byte more tells whether it has grown, mostly without another call.
    const bytes = this.#fill(fd, 0, 0, facts.sizeBytes + 1);
    if (bytes > facts.sizeBytes) return this.#saveLarge(fd, { ...facts, sizeBytes: bytes });
    if (bytes === 0) return { text: '', bytes };
    this.#onRead(bytes);
    const { id } = this.#sink.save('data', this.#buffer.subarray(0, bytes));
    return { text: `"${id}"`, bytes };
  }

  #saveLarge(fd: number, { isSparse, sizeBytes }: ContentFacts): SavedContent {
    const ids: string[] = [];
    let position = 0;
    let held = 0;
    let holeEnd = 0;
    for (;;) {
      this.#sink.throwIfStopped();
      if (isSparse && held === 0 && position >= holeEnd && position < sizeBytes) {
        holeEnd = nextData(fd, position) ?? sizeBytes;
        for (; position + zeroChunkBytes <= holeEnd; position += zeroChunkBytes) {
          ids.push(this.#zeros());
        }
      }
      const [length, filled] = this.#nextChunk(fd, position, held, isSparse);
      if (length === 0) break;
      const chunk = this.#buffer.subarray(0, length);
      ids.push(this.#sink.save('data', chunk).id);
      this.#onRead(length);
      position += length;
      held = filled - length;
      // What was read past a hole's begin is read again, so that the hole is not.
      if (isSparse) held = 0;
      else if (held > 0) this.#buffer.copyWithin(0, length, filled);
    }
    return { text: ids.map((id) => `"${id}"`).join(','), bytes: position };
  }

  /** Length of the chunk at the start of the buffer, and how many bytes the buffer holds. */
  #nextChunk(fd: number, position: number, held: number, isSparse: boolean): [number, number] {
    let filled = held;
    const limit = isSparse ? this.#untilHole(fd, position) : chunkMaxBytes;
    for (const window of windows) {
      const wanted = Math.min(window, limit);
      filled = Math.max(filled, this.#fill(fd, position, filled, wanted));
      const isEnd = filled < wanted || (wanted === limit && limit < chunkMaxBytes);
      if (filled >= zeroChunkBytes && this.#startsWithZeros()) return [zeroChunkBytes, filled];
      const length = this.#cutter.cut(this.#buffer.subarray(0, filled), isEnd);
      if (length !== undefined) return [length, filled];
    }
    return [filled, filled];
  }

  #untilHole(fd: number, position: number): number {
    const hole = nextHole(fd, position);
    if (hole === undefined || hole <= position) return chunkMaxBytes;
    return Math.min(chunkMaxBytes, hole - position);
  }

  /** Reads on until the buffer holds `wanted` bytes or the file ends; returns how many it holds. */
  #fill(fd: number, position: number, held: number, wanted: number): number {
    let filled = held;
    while (filled < wanted) {
      const read = readSync(fd, this.#buffer, filled, wanted - filled, position + filled);
      if (read === 0) break;
      filled += read;
    }
    return filled;
  }

  #startsWithZeros(): boolean {
    if (this.#buffer.readDoubleLE(0) !== 0) return false;
    return this.#buffer.subarray(0, zeroChunkBytes).equals(zeroChunk);
  }

  #zeros(): BlobId {
    this.#onRead(zeroChunkBytes);
    this.#zeroChunk ??= this.#sink.save('data', zeroChunk).id;
    return this.#zeroChunk;
  }
}

const zeroChunk = Buffer.alloc(zeroChunkBytes);
