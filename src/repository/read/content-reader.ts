import { isLifeboatError, throwIfAborted } from '../../core/index.ts';
import { ownBuffer } from '../data-plane/own-buffer.ts';
import type { WorkerPool } from '../data-plane/worker-pool.ts';
import { damaged } from '../format/json-shape.ts';
import type { BlobIndex } from '../index/blob-index.ts';
import type { Location } from '../location/location.ts';
import type { BlobId } from '../repository.ts';
import { planWindows, type ReadWindow } from './read-plan.ts';

/** What `readContent` works with. */
export interface ContentSource {
  readonly location: Location;
  readonly pool: WorkerPool;
  readonly index: BlobIndex;
}

const defaultAhead = 4;

/**
 * The bytes of a content in order, verified, in pieces of some MiB. Up to `ahead` pieces are being fetched and decoded
 * while one is being consumed. Errors: `repository.damaged`, `repository.blob-missing`, `location.*`.
 */
export async function* readContent(
  source: ContentSource,
  content: readonly BlobId[],
  options: { readonly signal?: AbortSignal; readonly ahead?: number } = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const { signal, ahead = defaultAhead } = options;
  const windows = planWindows(source.index, content);
  const underWay: Promise<Uint8Array>[] = [];
  const fill = () => {
    while (underWay.length <= ahead) {
      const next = windows.next();
      if (next.done) return;
      const fetched = fetchWindow(source, next.value, signal);
      // It may fail before its turn comes; then it is awaited, and thrown, there.
      fetched.catch(() => {});
      underWay.push(fetched);
    }
  };
  for (;;) {
    throwIfAborted(signal);
    fill();
    const first = underWay.shift();
    if (first === undefined) return;
    yield await first;
  }
}

async function fetchWindow(
  { location, pool }: ContentSource,
  { pieces, blobs, plainBytes }: ReadWindow,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const bytes = await Promise.all(
    pieces.map(async ({ pack, range }) =>
      ownBuffer(await location.read('data', pack, range, signal)),
    ),
  );
  const request = { type: 'decode', pieces: bytes, blobs, plainBytes } as const;
  const transfer = bytes.map(({ buffer }) => buffer);
  const worker = pool.leastBusy();
  try {
    return (await worker.run(request, 'decoded', { bytes: plainBytes, transfer })).plain;
  } catch (error) {
    if (!isLifeboatError(error, 'repository.damaged')) throw error;
    const packs = [...new Set(pieces.map(({ pack }) => pack))];
    throw damaged(`${error.message} (read from pack ${packs.join(', ')})`);
  }
}
