import {
  constants,
  createZstdCompress,
  createZstdDecompress,
  zstdCompressSync,
  zstdDecompressSync,
} from 'node:zlib';

/**
 * zstd with contexts that live as long as the thread. `zstdCompressSync` makes a context and its buffers anew for every
 * call, which costs more than compressing 64 KiB. What is used here (`_handle.writeSync`) is not documented: a
 * self-test at the first use decides whether it works in this Node, otherwise the public calls do the same, slower.
 */
export interface ZstdContext {
  /** One frame with its content size. A view that the next call overwrites. */
  compress(plain: Uint8Array): Uint8Array;
  /** Undefined unless the first frame (a blob is one) holds exactly `plainLength` bytes. A view that the next call overwrites. */
  decompress(frame: Uint8Array, plainLength: number): Uint8Array | undefined;
}

const contexts = new Map<number, ZstdContext>();

/** The thread's context for a compression level; `minMatch` 0 is what the level has itself. */
export function zstdContext(level: number, minMatch = 0): ZstdContext {
  const key = level * 16 + minMatch;
  let context = contexts.get(key);
  if (context === undefined) {
    context = reusedContext(level, minMatch);
    if (!passesSelfTest(context)) context = publicContext(level, minMatch);
    contexts.set(key, context);
  }
  return context;
}

/** The same through documented calls only. */
export function publicContext(level: number, minMatch = 0): ZstdContext {
  const params = parameters(level, minMatch);
  return {
    compress(plain) {
      const chunkSize = frameBound(plain.length);
      return zstdCompressSync(plain, { chunkSize, pledgedSrcSize: plain.length, params });
    },
    decompress(frame, plainLength) {
      try {
        // One output chunk that is never quite full: then Node does not ask for another.
        const bytes = plainLength + 64;
        const plain = zstdDecompressSync(frame, { chunkSize: bytes, maxOutputLength: bytes });
        return plain.length === plainLength ? plain : undefined;
      } catch {
        return undefined;
      }
    },
  };
}

/** What Node's own zlib module calls behind its public functions. */
interface ZstdHandle {
  onerror: (...details: unknown[]) => void;
  writeSync(
    flush: number,
    input: Uint8Array,
    inputAt: number,
    inputLength: number,
    output: Uint8Array,
    outputAt: number,
    outputLength: number,
  ): void;
}

interface ZstdStream {
  readonly _handle: ZstdHandle;
  /** Bytes of output left, bytes of input left. */
  readonly _writeState: Uint32Array;
}

function parameters(level: number, minMatch: number): Record<number, number> {
  return {
    [constants.ZSTD_c_compressionLevel]: level,
    [constants.ZSTD_c_minMatch]: minMatch,
  };
}

function reusedContext(level: number, minMatch: number): ZstdContext {
  const params = parameters(level, minMatch);
  const compressor = () => createZstdCompress({ params }) as unknown as ZstdStream;
  const decompressor = () => createZstdDecompress() as unknown as ZstdStream;
  const packer = new ReusedStream(compressor);
  const unpacker = new ReusedStream(decompressor);
  const fallback = publicContext(level, minMatch);
  return {
    compress: (plain) => packer.run(plain, frameBound(plain.length)) ?? fallback.compress(plain),
    decompress(frame, plainLength) {
      const plain = unpacker.run(frame, plainLength + 64);
      if (plain?.length === plainLength) return plain;
      // Bad, or good behind one that ended inside its frame: what is left of that must not decide.
      unpacker.reset();
      return fallback.decompress(frame, plainLength);
    },
  };
}

class ReusedStream {
  readonly #create: () => ZstdStream;
  #stream: ZstdStream | undefined;
  #output = new Uint8Array(256 * 1024);
  #hasFailed = false;

  constructor(create: () => ZstdStream) {
    this.#create = create;
  }

  /** All of the output, or undefined when the input is bad or the output is longer than `maxBytes`. */
  run(input: Uint8Array, maxBytes: number): Uint8Array | undefined {
    if (this.#output.length < maxBytes) this.#output = new Uint8Array(maxBytes);
    this.#stream ??= this.#open();
    this.#hasFailed = false;
    const { _handle: handle, _writeState: state } = this.#stream;
    const { length } = input;
    handle.writeSync(constants.ZSTD_e_end, input, 0, length, this.#output, 0, maxBytes);
    const [outputLeft = 0, inputLeft = 0] = state;
    if (this.#hasFailed || inputLeft > 0 || outputLeft === 0) {
      this.reset();
      return undefined;
    }
    return this.#output.subarray(0, maxBytes - outputLeft);
  }

  /** Begins anew with the next input. */
  reset(): void {
    this.#stream = undefined;
  }

  #open(): ZstdStream {
    const stream = this.#create();
    stream._handle.onerror = () => {
      this.#hasFailed = true;
    };
    return stream;
  }
}

/** Everything that is relied upon: frames others can read, a fresh start after good and bad input, no input lost. */
function passesSelfTest(context: ZstdContext): boolean {
  try {
    const reference = publicContext(1);
    const samples = [1, 1000, 300_000].map((length) =>
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
