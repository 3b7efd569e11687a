import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { assert, LifeboatError } from '../../core/index.ts';
import type { EnvelopeKey } from '../crypto/envelope.ts';
import { stopThread } from './stop-thread.ts';
import type { PackMessage, WorkerAnswer, WorkerRequest, WorkerSetup } from './worker-messages.ts';

/** A larger young generation fills up with garbage before it is looked at: 100 MB and more for each thread. */
const resourceLimits = { maxYoungGenerationSizeMb: 12 };
const mostWorkers = Math.min(8, Math.max(2, availableParallelism()));

export type Answer<Type extends WorkerAnswer['type']> = Extract<WorkerAnswer, { type: Type }>;
/** A request without its number, which the pool gives. */
type WithoutJob<Request> = Request extends { readonly job: number } ? Omit<Request, 'job'> : never;
export type JobRequest = WithoutJob<WorkerRequest>;

/** One worker thread and its unanswered jobs. */
export interface PoolWorker {
  readonly number: number;
  /** Of the requests under way, as their senders estimated it. */
  readonly pendingBytes: number;
  /** Resolves with the answer. Rejects with the worker's error, or when the worker dies. */
  run<Type extends WorkerAnswer['type']>(
    request: JobRequest,
    answerType: Type,
    options: { readonly transfer?: ArrayBuffer[]; readonly bytes: number },
  ): Promise<Answer<Type>>;
  post(request: WorkerRequest, transfer?: ArrayBuffer[]): void;
}

/**
 * The threads that do all bulk work of one open repository. Each starts when it is first needed, and keeps the
 * process alive only while it has something to do.
 */
export class WorkerPool implements AsyncDisposable {
  readonly #key: EnvelopeKey;
  readonly #onPack = new Map<number, (message: PackMessage, from: PoolWorker) => void>();
  #workers: BlobWorker[] = [];
  #sessions = 0;
  #isClosed = false;

  constructor(key: EnvelopeKey) {
    this.#key = key;
  }

  /** The first worker with little to do, else a new one, else the least busy: small work stays on few workers. */
  leastBusy(): PoolWorker {
    const fewBytes = 2 * 1024 * 1024;
    const idle = this.#workers.find((worker) => worker.pendingBytes < fewBytes);
    if (idle !== undefined) return idle;
    if (this.#workers.length < mostWorkers) return this.#start();
    return this.#workers.reduce((best, each) =>
      each.pendingBytes < best.pendingBytes ? each : best,
    );
  }

  /** The first of them, started if it was not. */
  first(): PoolWorker {
    return this.#workers[0] ?? this.#start();
  }

  /** Those that were needed so far. */
  workers(): readonly PoolWorker[] {
    return this.#workers;
  }

  /** Packs of the session go to `onPack` until it is closed. */
  openSession(onPack: (message: PackMessage, from: PoolWorker) => void): number {
    const session = ++this.#sessions;
    this.#onPack.set(session, onPack);
    return session;
  }

  closeSession(session: number): void {
    this.#onPack.delete(session);
    for (const worker of this.#workers) worker.post({ type: 'close', session });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const workers = this.#workers;
    this.#workers = [];
    this.#isClosed = true;
    await Promise.all(workers.map((worker) => worker.stop()));
  }

  #start(): PoolWorker {
    if (this.#isClosed) throw closed();
    const setup: WorkerSetup = { masterKey: this.#key };
    const worker = new BlobWorker(this.#workers.length, setup, (message, from) => {
      this.#onPack.get(message.session)?.(message, from);
    });
    this.#workers.push(worker);
    return worker;
  }
}

function closed(): LifeboatError {
  return new LifeboatError('cancelled', 'the repository was closed');
}

interface PendingJob {
  readonly answerType: WorkerAnswer['type'];
  readonly bytes: number;
  readonly resolve: (answer: WorkerAnswer) => void;
  readonly reject: (error: unknown) => void;
}

class BlobWorker implements PoolWorker {
  readonly number: number;
  readonly #thread: Worker;
  readonly #pending = new Map<number, PendingJob>();
  #pendingBytes = 0;
  #jobs = 0;
  #death: LifeboatError | undefined;

  constructor(
    number: number,
    setup: WorkerSetup,
    onPack: (message: PackMessage, from: PoolWorker) => void,
  ) {
    this.number = number;
    const file = `./blob-worker${extname(import.meta.url)}`;
    this.#thread = new Worker(new URL(file, import.meta.url), {
      workerData: setup,
      // Of this process's own arguments none is meant for the workers.
      execArgv: [],
      resourceLimits,
    });
    this.#thread.unref();
    this.#thread.on('message', (message: WorkerAnswer | PackMessage) => {
      if (message.type === 'pack') onPack(message, this);
      else this.#settle(message);
    });
    const early = (cause?: unknown) =>
      this.#die(new LifeboatError('bug', 'a worker thread ended early', { cause }));
    this.#thread.on('error', early);
    this.#thread.on('exit', () => early());
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  run<Type extends WorkerAnswer['type']>(
    request: JobRequest,
    answerType: Type,
    options: { readonly transfer?: ArrayBuffer[]; readonly bytes: number },
  ): Promise<Answer<Type>> {
    const job = ++this.#jobs;
    return new Promise((resolve, reject) => {
      if (this.#death !== undefined) return reject(this.#death);
      this.#thread.postMessage({ ...request, job }, options.transfer ?? []);
      if (this.#pending.size === 0) this.#thread.ref();
      this.#pendingBytes += options.bytes;
      this.#pending.set(job, {
        answerType,
        bytes: options.bytes,
        resolve: (answer) => resolve(answer as Answer<Type>),
        reject,
      });
    });
  }

  post(request: WorkerRequest, transfer: ArrayBuffer[] = []): void {
    if (this.#death === undefined) this.#thread.postMessage(request, transfer);
  }

  async stop(): Promise<void> {
    this.#die(closed());
    await stopThread(this.#thread, { type: 'end' } satisfies WorkerRequest);
  }

  #settle(message: WorkerAnswer): void {
    const job = this.#pending.get(message.job);
    // It was given up when the pool closed, and the thread could not know.
    if (job === undefined && this.#death !== undefined) return;
    assert(job !== undefined, 'a worker answers what it was asked');
    this.#forget(message.job, job);
    if (message.type === 'failed') {
      const { code, message: text, hint, context } = message;
      job.reject(
        new LifeboatError(code, text, { context, ...(hint === undefined ? {} : { hint }) }),
      );
    } else {
      assert(message.type === job.answerType, 'a worker answers in the kind that was asked for');
      job.resolve(message);
    }
  }

  #forget(number: number, job: PendingJob): void {
    this.#pending.delete(number);
    this.#pendingBytes -= job.bytes;
    if (this.#pending.size === 0) this.#thread.unref();
  }

  #die(why: LifeboatError): void {
    this.#death ??= why;
    for (const [number, job] of [...this.#pending]) {
      this.#forget(number, job);
      job.reject(this.#death);
    }
  }
}
