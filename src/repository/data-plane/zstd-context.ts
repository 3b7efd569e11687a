import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { type ZstdCalls, type ZstdChoice, zstdCalls } from '../native/zstd-calls.ts';
import { Room } from './room.ts';

/**
 * zstd with contexts that live as long as the thread. `zstdCompressSync` makes a context and its buffers anew for every
 * call, which costs more than compressing 64 KiB. What is used instead is exported by Node, but nothing promises it: a
 * self-test at the first use decides whether it works in this Node, otherwise the documented calls do the same, slower.
 */
export interface ZstdContext {
  /** One frame with its content size. A view that the next call, for whatever level, overwrites. */
  compress(plain: Uint8Array): Uint8Array;
  /** Undefined unless it is one frame (a blob is) of exactly `plainLength` bytes. A view that the next call overwrites. */
  decompress(frame: Uint8Array, plainLength: number): Uint8Array | undefined;
  /** As `decompress`, into memory of the caller's. False: what is in it means nothing. */
  decompressInto(frame: Uint8Array, target: Uint8Array): boolean;
}

/** No program cuts longer pieces; memory for longer ones is not kept. */
const mostKeptBytes = 16 * 1024 * 1024;
/** One each for all levels: a worker uses several. */
const packed = new Room();
const unpacked = new Room();
const contexts = new Map<number, ZstdContext>();

/** The thread's context for what is chosen. */
export function zstdContext(choice: ZstdChoice): ZstdContext {
  const { level, minMatch = 0, step = 0 } = choice;
  const key = (level * 16 + minMatch) * 16 + step;
  let context = contexts.get(key);
  if (context === undefined) {
    const calls = zstdCalls(choice);
    context = calls && reusedContext(calls, publicContext(choice));
    if (context === undefined || !passesSelfTest(context)) context = publicContext(choice);
    contexts.set(key, context);
  }
  return context;
}

/** The same through documented calls only; they know no steps. */
export function publicContext({ level, minMatch = 0 }: ZstdChoice): ZstdContext {
  const params = {
    [constants.ZSTD_c_compressionLevel]: level,
    [constants.ZSTD_c_minMatch]: minMatch,
  };
  const decompress = (frame: Uint8Array, plainLength: number) => {
    try {
      // One output chunk that is never quite full: then Node does not ask for another.
      const bytes = plainLength + 64;
      const plain = zstdDecompressSync(frame, { chunkSize: bytes, maxOutputLength: bytes });
      return plain.length === plainLength ? plain : undefined;
    } catch {
      return undefined;
    }
  };
  return {
    compress(plain) {
      const chunkSize = frameBound(plain.length);
      return zstdCompressSync(plain, { chunkSize, pledgedSrcSize: plain.length, params });
    },
    decompress,
    decompressInto(frame, target) {
      const plain = decompress(frame, target.length);
      if (plain !== undefined) target.set(plain);
      return plain !== undefined;
    },
  };
}

function reusedContext(calls: ZstdCalls, fallback: ZstdContext): ZstdContext {
  return {
    compress(plain) {
      const target = packed.of(frameBound(plain.length));
      const length = calls.compress(plain, target);
      return length === undefined ? fallback.compress(plain) : target.subarray(0, length);
    },
    decompress(frame, plainLength) {
      const isUsual = plainLength <= mostKeptBytes;
      const target = isUsual ? unpacked.of(plainLength) : new Uint8Array(plainLength);
      if (calls.decompress(frame, target) === plainLength) return target;
      return fallback.decompress(frame, plainLength);
    },
    decompressInto(frame, target) {
      const isDone = calls.decompress(frame, target) === target.length;
      return isDone || fallback.decompressInto(frame, target);
    },
  };
}

/** Everything that is relied upon: frames others can read, a fresh start after good and bad input, no input lost. */
function passesSelfTest(context: ZstdContext): boolean {
  try {
    const reference = publicContext({ level: 1 });
    const samples = [1, 20_000].map((length) =>
      Uint8Array.from({ length }, (_, i) => (i * i) >> 7),
    );
    return samples.every((sample) => {
      const frame = new Uint8Array(context.compress(sample));
      const isReadable = isEqual(reference.decompress(frame, sample.length), sample);
      const isCut = context.decompress(frame.subarray(0, -1), sample.length) === undefined;
      const isTooLong = context.decompress(frame, sample.length - 1) === undefined;
      const isBad = context.decompress(sample, 10) === undefined;
      const isRead = isEqual(context.decompress(frame, sample.length), sample);
      const isReadAgain = isEqual(context.decompress(frame, sample.length), sample);
      return isReadable && isCut && isTooLong && isBad && isRead && isReadAgain;
    });
  } catch {
    return false;
  }
}

function isEqual(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0;
}

/** ZSTD_compressBound, and a little more, so that the output buffer is never full. */
function frameBound(plainLength: number): number {
  return plainLength + (plainLength >>> 8) + 1024;
}
