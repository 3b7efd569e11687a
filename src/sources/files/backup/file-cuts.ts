import { readSync } from 'node:fs';
import type { ContentCutter } from '../../../repository/thread.ts';
import { chunkMaxBytes, chunkWindowBytes } from '../../../repository/thread.ts';
import { nextData, nextHole } from '../system/index.ts';

/** So much more is read each time no cut was found: it is searched while it is in the processor's cache, and little is read too far. */
const stepBytes = 256 * 1024;
/** Runs of zeros are stored in pieces of just this length, by which restic knows where to leave holes. */
export const zeroChunkBytes = 512 * 1024;
export const zeroChunk = Buffer.alloc(zeroChunkBytes);

export interface ContentFacts {
  readonly sizeBytes: number;
  /** Whether the file takes less room than its size. */
  readonly isSparse: boolean;
}

export interface Cut {
  readonly at: number;
  readonly length: number;
  /** It lies in a hole and was not read: `bytes` is not there. */
  readonly isHole: boolean;
}

/** Where the chunks of an open file begin and end, one after the other, whoever saves them then. */
export class FileCuts {
  readonly #fd: number;
  readonly #facts: ContentFacts;
  readonly #cutter: ContentCutter;
  readonly #buffer: Buffer;
  /** Where the last chunk ends. */
  #position = 0;
  #length = 0;
  /** How much the buffer holds, from the begin of the last chunk on. */
  #filled = 0;
  #holeEnd = 0;

  /** The buffer has room for the largest chunk. */
  constructor(fd: number, facts: ContentFacts, cutter: ContentCutter, buffer: Buffer) {
    this.#fd = fd;
    this.#facts = facts;
    this.#cutter = cutter;
    this.#buffer = buffer;
  }

  get position(): number {
    return this.#position;
  }

  /** How much is left, if the file is as long as it was said to be. */
  get leftBytes(): number {
    return this.#facts.sizeBytes - this.#position;
  }

  /** Of the last chunk; until the next one is looked for. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Others have used the buffer. */
  forget(): void {
    this.#length = 0;
    this.#filled = 0;
  }

  /**
   * The next chunk; undefined at the end of the file. With `isAhead` only its length is found: `bytes` is not there. Throws
   * what the file system says.
   */
  next(isAhead = false): Cut | undefined {
    const { isSparse, sizeBytes } = this.#facts;
    const at = this.#position;
    // What was read past a hole's begin is read again, so that the hole is not.
    const held = isSparse ? 0 : this.#filled - this.#length;
    if (held > 0 && this.#length > 0) this.#buffer.copyWithin(0, this.#length, this.#filled);
    this.#filled = held;
    this.#length = 0;
    if (isSparse && at < sizeBytes) {
      if (at >= this.#holeEnd) this.#holeEnd = nextData(this.#fd, at) ?? sizeBytes;
      if (at + zeroChunkBytes <= this.#holeEnd) {
        this.#position += zeroChunkBytes;
        return { at, length: zeroChunkBytes, isHole: true };
      }
    }
    this.#length = this.#find(isAhead);
    this.#position += this.#length;
    return this.#length === 0 ? undefined : { at, length: this.#length, isHole: false };
  }

  #find(isAhead: boolean): number {
    const limit = this.#facts.isSparse ? this.#untilHole() : chunkMaxBytes;
    if (isAhead) this.#skip();
    let wanted = Math.min(this.#cutter.minBytes + stepBytes, limit);
    for (let searched = 0; ; wanted = Math.min(wanted + stepBytes, limit)) {
      this.#fill(wanted);
      const filled = this.#filled;
      const isEnd = filled < wanted || (wanted === limit && limit < chunkMaxBytes);
      if (searched === 0 && filled >= zeroChunkBytes && this.#startsWithZeros()) {
        return zeroChunkBytes;
      }
      const length = this.#cutter.cut(this.#buffer.subarray(0, filled), isEnd, searched);
      if (length !== undefined) return length;
      searched = filled;
    }
  }

  /** Leaves out what does not matter for the cut: the begin of a chunk that is no run of zeros. */
  #skip(): void {
    const upTo = this.#cutter.minBytes - chunkWindowBytes;
    if (this.#facts.isSparse || this.#filled >= upTo) return;
    const begin = this.#buffer.subarray(0, 8);
    if (this.#filled < begin.length) this.#fill(begin.length);
    if (this.#filled < begin.length || begin.readDoubleLE(0) === 0) return;
    // In a file that ends before, everything is read as usual.
    const probe = readSync(this.#fd, this.#buffer, upTo, chunkWindowBytes, this.#position + upTo);
    if (probe === chunkWindowBytes) this.#filled = upTo + probe;
  }

  #untilHole(): number {
    const hole = nextHole(this.#fd, this.#position);
    if (hole === undefined || hole <= this.#position) return chunkMaxBytes;
    return Math.min(chunkMaxBytes, hole - this.#position);
  }

  #fill(wanted: number): void {
    this.#filled = fillFrom(this.#fd, this.#buffer, this.#position, this.#filled, wanted);
  }

  #startsWithZeros(): boolean {
    if (this.#buffer.readDoubleLE(0) !== 0) return false;
    return this.#buffer.subarray(0, zeroChunkBytes).equals(zeroChunk);
  }
}

/**
 * Reads on until the buffer, which holds `held` bytes from `position` on, holds `wanted` bytes or the file ends; returns how
 * many it holds.
 */
export function fillFrom(
  fd: number,
  buffer: Buffer,
  position: number,
  held: number,
  wanted: number,
): number {
  let filled = held;
  while (filled < wanted) {
    const read = readSync(fd, buffer, filled, wanted - filled, position + filled);
    if (read === 0) break;
    filled += read;
  }
  return filled;
}
