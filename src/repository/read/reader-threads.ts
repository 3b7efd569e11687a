import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { assert, LifeboatError } from '../../core/index.ts';
import type { EnvelopeKey } from '../crypto/envelope.ts';
import { ownBuffer } from '../data-plane/own-buffer.ts';
import { stopThread } from '../data-plane/stop-thread.ts';
import type { IndexMemory } from '../index/index-memory.ts';
import { LocalLocation } from '../location/local-location.ts';
import type { Location } from '../location/location.ts';
import type { BlobReader } from './blob-reader.ts';
import { receivedError, sendableError } from './sent-error.ts';
import type { FromReader, ReaderSetup, ToReader } from './thread-messages.ts';

/** What the module of `ReaderOptions` exports. */
export interface ReaderModule {
  startReading(reader: BlobReader, setup: unknown): (request: unknown) => Promise<unknown>;
}

export interface ReaderOptions {
  /** Loaded in every thread; exports `startReading`: see `ReaderModule`. */
  readonly module: URL;
  /** Goes to `startReading`, by structured clone. */
  readonly setup: unknown;
  readonly signal?: AbortSignal | undefined;
}

interface PendingJob {
  resolve(answer: unknown): void;
  reject(error: unknown): void;
}

const mostThreads = 8;
/** Most of what a thread makes is dead at once: more room would only be touched, not used. */
const resourceLimits = { maxYoungGenerationSizeMb: 12 };

/**
 * Threads that read the blobs of a repository and do something with them on the spot, so that bulk data never passes
 * between threads. A local repository's packs they read themselves; others come from the main thread's location.
 */
export class ReaderThreads implements AsyncDisposable {
  readonly count: number;
  /** Whether packs are read by the threads themselves: then a second request under way gains nothing. */
  readonly isLocal: boolean;
  readonly #location: Location;
  readonly #signal: AbortSignal | undefined;
  readonly #threads: Worker[] = [];
  readonly #pending = new Map<number, PendingJob>();
  #jobs = 0;
  #death: LifeboatError | undefined;

  constructor(
    access: { readonly location: Location; readonly masterKey: EnvelopeKey },
    index: IndexMemory,
    { module, setup, signal }: ReaderOptions,
  ) {
    const { location, masterKey } = access;
    const folder = location instanceof LocalLocation ? location.path : undefined;
    this.#location = location;
    this.#signal = signal;
    this.isLocal = folder !== undefined;
    this.count = Math.min(mostThreads, Math.max(2, availableParallelism()));
    const workerData: ReaderSetup = { masterKey, index, folder, module: module.href, setup };
    const entry = new URL(`./reader-thread${extname(import.meta.url)}`, import.meta.url);
    for (let number = 0; number < this.count; number++) {
      // Of this process's own arguments none is meant for the threads.
      const thread = new Worker(entry, { workerData, execArgv: [], resourceLimits });
      thread.on('message', (message: FromReader) => this.#receive(thread, message));
      thread.on('error', (cause) => this.#die(cause));
      thread.on('exit', () => this.#die());
      this.#threads.push(thread);
    }
  }

  /** What the thread's module answers. It bounds nothing: how many are under way is up to the caller. */
  run<Answer>(thread: number, request: unknown): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#death !== undefined) return reject(this.#death);
      const job = ++this.#jobs;
      this.#pending.set(job, { resolve: (answer) => resolve(answer as Answer), reject });
      this.#threads[thread]?.postMessage({ type: 'request', job, request } satisfies ToReader);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end(new LifeboatError('cancelled', 'the threads were stopped'));
    const end: ToReader = { type: 'end' };
    await Promise.all(this.#threads.map((thread) => stopThread(thread, end)));
  }

  #receive(thread: Worker, message: FromReader): void {
    if (message.type === 'fetch') {
      if (this.#death === undefined) void this.#fetch(thread, message);
      return;
    }
    const job = this.#pending.get(message.job);
    // Absent when the threads were stopped meanwhile.
    if (job === undefined) return;
    this.#pending.delete(message.job);
    if (message.type === 'failed') job.reject(receivedError(message.error));
    else job.resolve(message.answer);
  }

  async #fetch(thread: Worker, wanted: Extract<FromReader, { type: 'fetch' }>): Promise<void> {
    const { fetch, pack, offset, length } = wanted;
    try {
      const range = { offset, length };
      const bytes = ownBuffer(await this.#location.read('data', pack, range, this.#signal));
      assert(bytes.length === length, 'a location answers with the whole range');
      thread.postMessage({ type: 'fetched', fetch, bytes } satisfies ToReader, [bytes.buffer]);
    } catch (error) {
      const message: ToReader = { type: 'notFetched', fetch, error: sendableError(error) };
      thread.postMessage(message);
    }
  }

  #die(cause?: unknown): void {
    this.#end(new LifeboatError('bug', 'a reader thread ended early', { cause }));
  }

  #end(why: LifeboatError): void {
    this.#death ??= why;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(this.#death);
  }
}
