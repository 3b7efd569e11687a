import { type BindFunction, bindToProcess } from './process-library.ts';

/** zstd of the running program. Its memory belongs to JavaScript: nothing is left behind when a thread is ended. */
export interface ZstdCalls {
  /** Length of the frame in `target`; undefined when it does not fit. */
  compress(plain: Uint8Array, target: Uint8Array): number | undefined;
  /** How many bytes the frame gave; undefined when it is bad or gives more than `target` holds. */
  decompress(frame: Uint8Array, target: Uint8Array): number | undefined;
}

type Bytes = Uint8Array;
type Pointer = bigint | null;

/** `ZSTD_cParameter` of zstd.h. */
const parameter = { level: 100, minMatch: 105, targetLength: 106, literalCompressionMode: 1002 };
/** `ZSTD_ps_enable`: steps alone would switch it off. */
const literalsCompressed = 1;

export interface ZstdChoice {
  readonly level: number;
  /** Absent: what the level has itself. */
  readonly minMatch?: number;
  /** Of level 1: only every so many bytes a match is looked for. */
  readonly step?: number;
}

/** Undefined where the program does not export what is needed. */
export function zstdCalls(choice: ZstdChoice): ZstdCalls | undefined {
  return bindToProcess((func) => bind(func, choice));
}

function bind(
  func: BindFunction,
  { level, minMatch = 0, step = 0 }: ZstdChoice,
): ZstdCalls | undefined {
  const estimate = func<(level: number) => number>('size_t ZSTD_estimateCCtxSize(int level)');
  const estimateReader = func<() => number>('size_t ZSTD_estimateDCtxSize()');
  const create = func<(memory: Bytes, size: number) => Pointer>(
    'void *ZSTD_initStaticCCtx(void *memory, size_t size)',
  );
  const createReader = func<(memory: Bytes, size: number) => Pointer>(
    'void *ZSTD_initStaticDCtx(void *memory, size_t size)',
  );
  const set = func<(context: Bytes, parameter: number, value: number) => number>(
    'size_t ZSTD_CCtx_setParameter(void *context, int parameter, int value)',
  );
  type Work = (context: Bytes, to: Bytes, room: number, from: Bytes, length: number) => number;
  const compress = func<Work>(
    'size_t ZSTD_compress2(void *context, void *to, size_t room, const void *from, size_t length)',
  );
  const decompress = func<Work>(
    'size_t ZSTD_decompressDCtx(void *context, void *to, size_t room, const void *from, size_t length)',
  );
  // A context begins where its memory begins.
  const writer = new Uint8Array(estimate(level));
  const reader = new Uint8Array(estimateReader());
  if (!create(writer, writer.length) || !createReader(reader, reader.length)) return undefined;
  const isSet = (name: number, value: number) => set(writer, name, value) === value;
  if (!isSet(parameter.level, level) || !isSet(parameter.minMatch, minMatch)) return undefined;
  if (step > 0) {
    if (!isSet(parameter.targetLength, step)) return undefined;
    if (!isSet(parameter.literalCompressionMode, literalsCompressed)) return undefined;
  }
  return {
    compress: (plain, target) =>
      lengthIn(target, compress(writer, target, target.length, plain, plain.length)),
    decompress: (frame, target) =>
      lengthIn(target, decompress(reader, target, target.length, frame, frame.length)),
  };
}

/** Errors are the highest values of size_t. */
function lengthIn(target: Bytes, result: number | bigint): number | undefined {
  return typeof result === 'number' && result <= target.length ? result : undefined;
}
