import { throwIfAborted } from '../../../core/index.ts';
import type { ReaderThreads } from '../../../repository/index.ts';
import { type FilePart, partBytes } from './file-part.ts';

/** Batches a thread has at once: one more than it works on, or enough to hide the way to a remote repository. */
const depth = { local: 2, remote: 8 };
const partsPerBatch = 64;

/** Has the threads write all parts, in this order. What is under way when something fails is waited for. */
export async function writeParts(
  threads: ReaderThreads,
  parts: readonly FilePart[],
  options: {
    readonly onWritten: (bytes: number, path: string) => void;
    readonly signal: AbortSignal | undefined;
  },
): Promise<void> {
  const { onWritten, signal } = options;
  const batches = batchesOf(parts);
  let failure: { readonly error: unknown } | undefined;
  const work = async (thread: number) => {
    // The workers share one iterator: each takes the next batch that nobody has.
    for (const batch of batches) {
      if (failure !== undefined || signal?.aborted) return;
      try {
        await threads.run<void>(thread, batch);
      } catch (error) {
        failure ??= { error };
        return;
      }
      for (const { bytes, path } of batch) onWritten(bytes, path);
    }
  };
  const slots = threads.isLocal ? depth.local : depth.remote;
  const count = threads.count * slots;
  await Promise.all(Array.from({ length: count }, (_, number) => work(number % threads.count)));
  throwIfAborted(signal);
  if (failure !== undefined) throw failure.error;
}

/** Small files go together. */
function* batchesOf(parts: readonly FilePart[]): Generator<readonly FilePart[], undefined> {
  let batch: FilePart[] = [];
  let bytes = 0;
  for (const part of parts) {
    if (batch.length === partsPerBatch || (batch.length > 0 && bytes + part.bytes > partBytes)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(part);
    bytes += part.bytes;
  }
  if (batch.length > 0) yield batch;
  return undefined;
}
