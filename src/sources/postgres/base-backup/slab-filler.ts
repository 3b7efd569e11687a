import { copyBytes } from '../../../core/index.ts';
import type { FileContent } from './file-content.ts';
import type { Piece, SavedPiece } from './piece.ts';
import type { Slab, SlabTaker } from './piece-crew.ts';

/** What is known of a file whose bytes follow. */
export interface FilledFile {
  readonly content: FileContent;
  /** Number of its first page within the relation; undefined when no pages are verified. */
  readonly firstBlock: number | undefined;
  readonly pageSizeBytes: number;
  /** The bytes of each piece before it is handed on. Valid until return. */
  onPiece?(bytes: Uint8Array, position: number): void;
  onFailures?(blocks: readonly number[]): void;
}

/** Fills shared memory with the bytes of one file after the other and hands it to the threads. */
export class SlabFiller {
  readonly #crew: SlabTaker;
  #slab: Slab | undefined;
  #used = 0;
  #pieces: (Piece & { onSaved(saved: SavedPiece): void })[] = [];
  #file: FilledFile | undefined;
  /** Of the file: where the open piece begins, how long it becomes, and how much of it is there. */
  #position = 0;
  #pieceBytes = 0;
  #filled = 0;

  constructor(crew: SlabTaker) {
    this.#crew = crew;
  }

  begin(file: FilledFile): void {
    this.#file = file;
    this.#position = 0;
    this.#filled = 0;
    this.#pieceBytes = 0;
  }

  push(bytes: Uint8Array): void {
    const file = this.#file;
    if (!file) return;
    for (let at = 0; at < bytes.length; ) {
      const slab = this.#slabFor(file);
      const part = bytes.subarray(at, at + this.#pieceBytes - this.#filled);
      copyBytes(part, slab.bytes, this.#used + this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === this.#pieceBytes) this.#finishPiece(file, slab);
    }
  }

  /** Hands on what is there, however little. */
  flush(): void {
    if (!this.#slab) return;
    const slab = this.#slab;
    this.#slab = undefined;
    this.#used = 0;
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#crew.send(slab, pieces);
  }

  /** The slab that has room for the next bytes; begins a piece where none is open. */
  #slabFor(file: FilledFile): Slab {
    if (this.#slab && this.#pieceBytes > 0) return this.#slab;
    const { sizeBytes, chunkSizeBytes } = file.content;
    const rest = sizeBytes - this.#position;
    if (this.#slab) {
      const room = this.#slab.bytes.length - this.#used;
      this.#pieceBytes = rest <= room ? rest : room - (room % chunkSizeBytes);
      if (this.#pieceBytes > 0) return this.#slab;
      this.flush();
    }
    this.#slab = this.#crew.slab();
    this.#pieceBytes = Math.min(rest, this.#slab.bytes.length);
    return this.#slab;
  }

  #finishPiece(file: FilledFile, slab: Slab): void {
    const { content, firstBlock, pageSizeBytes } = file;
    const position = this.#position;
    const lengthBytes = this.#pieceBytes;
    file.onPiece?.(slab.bytes.subarray(this.#used, this.#used + lengthBytes), position);
    this.#pieces.push({
      lengthBytes,
      chunkSizeBytes: content.chunkSizeBytes,
      firstBlock: firstBlock === undefined ? undefined : firstBlock + position / pageSizeBytes,
      onSaved: (saved) => {
        content.add(position, saved);
        if (saved.failures.length > 0) file.onFailures?.(saved.failures);
      },
    });
    this.#used += lengthBytes;
    this.#position += lengthBytes;
    this.#pieceBytes = 0;
    this.#filled = 0;
    if (this.#used === slab.bytes.length) this.flush();
  }
}
