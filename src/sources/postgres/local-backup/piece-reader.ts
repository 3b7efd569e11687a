import { closeSync, openSync, readSync } from 'node:fs';
import { fileError } from '../../../core/index.ts';
import type { FilePiece, SavedPiece } from '../base-backup/piece.ts';
import type { PieceSaver } from '../base-backup/piece-saver.ts';

/** The server writes a page in far less. */
const rereadPausesMs = [1, 5, 25];
const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Reads pieces of files that a server may be writing, and has them saved. */
export class PieceReader {
  readonly #saver: PieceSaver;
  readonly #pageSizeBytes: number;
  #buffer = Buffer.alloc(0);
  #open: { readonly from: string; readonly fd: number } | undefined;

  constructor(saver: PieceSaver, pageSizeBytes: number) {
    this.#saver = saver;
    this.#pageSizeBytes = pageSizeBytes;
  }

  /** Undefined when the file is gone. Errors: `file.unreadable`, those of the repository. */
  save(piece: FilePiece): SavedPiece | undefined {
    const { from, position, lengthBytes, firstBlock } = piece;
    const path = Buffer.from(from, 'latin1');
    let bytes: Buffer;
    let failures: readonly number[] = [];
    try {
      const fd = this.#fdOf(from, path);
      if (this.#buffer.length < lengthBytes) this.#buffer = Buffer.allocUnsafeSlow(lengthBytes);
      bytes = this.#buffer.subarray(0, lengthBytes);
      readAt(fd, bytes, position);
      if (firstBlock !== undefined) failures = this.#readAgain(fd, bytes, position, firstBlock);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw fileError(error, `could not read ${path}`);
    }
    return { ...this.#saver.save(bytes, { ...piece, firstBlock: undefined }), failures };
  }

  close(): void {
    if (this.#open) closeSync(this.#open.fd);
    this.#open = undefined;
  }

  /** A page that was being written while it was read is whole a moment later. Returns the blocks that stay wrong. */
  #readAgain(fd: number, bytes: Buffer, position: number, firstBlock: number): readonly number[] {
    let failures = this.#saver.failures(bytes, firstBlock);
    for (const pauseMs of rereadPausesMs) {
      if (failures.length === 0) break;
      Atomics.wait(sleeper, 0, 0, pauseMs);
      for (const block of failures) {
        const at = (block - firstBlock) * this.#pageSizeBytes;
        readAt(fd, bytes.subarray(at, at + this.#pageSizeBytes), position + at);
      }
      failures = this.#saver.failures(bytes, firstBlock);
    }
    return failures;
  }

  #fdOf(from: string, path: Buffer): number {
    if (this.#open?.from === from) return this.#open.fd;
    this.close();
    const fd = openSync(path, 'r');
    this.#open = { from, fd };
    return fd;
  }
}

function readAt(fd: number, bytes: Buffer, position: number): void {
  for (let filled = 0; filled < bytes.length; ) {
    const read = readSync(fd, bytes, filled, bytes.length - filled, position + filled);
    if (read === 0) {
      bytes.fill(0, filled);
      return;
    }
    filled += read;
  }
}
