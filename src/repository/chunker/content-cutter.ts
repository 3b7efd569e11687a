import { loadKernel } from '../../core/index.ts';
import type { EnvelopeKey } from '../crypto/envelope.ts';
import { deriveBytes } from '../crypto/key-derivation.ts';

/** With it the average is restic's 1.5 MiB. */
export const chunkMinBytes = 1024 * 1024;
export const chunkMaxBytes = 8 * 1024 * 1024;
/** A cut depends on this many bytes before it. */
export const chunkWindowBytes = 64;

/**
 * Cuts content where its bytes say so, that an insertion moves cuts only near it. The Gear table is
 * derived from the master key: chunk lengths tell nobody without the key which known file is stored.
 */
export interface ContentCutter {
  /** Content that is no longer is one chunk. */
  readonly minBytes: number;
  /**
   * Length of the chunk that starts at `bytes[0]`: between `chunkMinBytes` and `chunkMaxBytes`, or shorter at the end of
   * the content. Undefined when more bytes are needed to say, which is never so with `chunkMaxBytes` bytes or `isEnd`.
   * In the first `searched` bytes a former call has found none. What stands before the last `chunkWindowBytes` of the first
   * `minBytes` does not matter.
   */
  cut(bytes: Uint8Array, isEnd: boolean, searched?: number): number | undefined;
}

interface ChunkerExports {
  reset(): void;
  warm(at: number, end: number): void;
  scan(at: number, end: number): number;
}

// Memory layout: kernels/chunker.ts.
const tableBytes = 256 * 8;
const bufferBytes = 128 * 1024;
const pages = 3;

export function createContentCutter(master: EnvelopeKey): ContentCutter {
  const { exports, memory } = loadKernel<ChunkerExports>('chunker', pages);
  memory.set(gearTable(master), 0);
  return {
    minBytes: chunkMinBytes,
    cut(bytes, isEnd, searched = 0) {
      const end = Math.min(bytes.length, chunkMaxBytes);
      if (bytes.length <= chunkMinBytes) return isEnd ? bytes.length : undefined;
      const begin = Math.max(chunkMinBytes, Math.min(searched, end));
      exports.reset();
      memory.set(bytes.subarray(begin - chunkWindowBytes, begin), tableBytes);
      exports.warm(tableBytes, tableBytes + chunkWindowBytes);
      for (let at = begin; at < end; at += bufferBytes) {
        const length = Math.min(bufferBytes, end - at);
        memory.set(bytes.subarray(at, at + length), tableBytes);
        const found = exports.scan(tableBytes, tableBytes + length);
        if (found !== 0) return at + found - tableBytes;
      }
      return isEnd || end === chunkMaxBytes ? end : undefined;
    },
  };
}

/** 256 numbers of 64 bits, little endian. */
export function gearTable(master: EnvelopeKey): Uint8Array {
  return deriveBytes(master, 'chunker gear', tableBytes);
}
