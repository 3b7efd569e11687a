// The entry of a reader thread: reads and decodes blobs, and hands them to the module it was started with.
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../../core/index.ts';
import { BlobLookup } from '../index/blob-lookup.ts';
import { BlobReader } from './blob-reader.ts';
import { LocalPackBytes, type PackBytes } from './pack-bytes.ts';
import type { ReaderModule } from './reader-threads.ts';
import { receivedError, sendableError } from './sent-error.ts';
import type { FromReader, ReaderSetup, ToReader } from './thread-messages.ts';

const { masterKey, index, folder, module, setup } = workerData as ReaderSetup;
assert(parentPort !== null, 'a reader thread runs in a worker thread');
const port = parentPort;

interface Fetch {
  resolve(bytes: Uint8Array): void;
  reject(error: unknown): void;
}

/** Asks the main thread, which alone can reach the location. */
class FetchedPackBytes implements PackBytes {
  readonly isNear = false;
  readonly #underWay = new Map<number, Fetch>();
  #fetches = 0;

  read(pack: string, offset: number, length: number): Promise<Uint8Array> {
    const fetch = ++this.#fetches;
    return new Promise((resolve, reject) => {
      this.#underWay.set(fetch, { resolve, reject });
      port.postMessage({ type: 'fetch', fetch, pack, offset, length } satisfies FromReader);
    });
  }

  settle(fetch: number): Fetch {
    const settled = this.#underWay.get(fetch);
    assert(settled !== undefined, 'only what was asked for is fetched');
    this.#underWay.delete(fetch);
    return settled;
  }
}

const fetched = new FetchedPackBytes();
const packs = folder === undefined ? fetched : new LocalPackBytes(folder);
const reader = new BlobReader({ ...masterKey }, new BlobLookup(index), packs);
const { startReading } = (await import(module)) as ReaderModule;
const handle = startReading(reader, setup);

port.on('message', (message: ToReader) => {
  if (message.type === 'fetched') fetched.settle(message.fetch).resolve(message.bytes);
  else if (message.type === 'notFetched') {
    fetched.settle(message.fetch).reject(receivedError(message.error));
  } else if (message.type === 'end') port.close();
  else void answer(message.job, message.request);
});

async function answer(job: number, request: unknown): Promise<void> {
  try {
    const answer = await handle(request);
    port.postMessage({ type: 'answer', job, answer } satisfies FromReader);
  } catch (error) {
    port.postMessage({ type: 'failed', job, error: sendableError(error) } satisfies FromReader);
  }
}
