import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { assert, LifeboatError } from '../../core/index.ts';
import type { EnvelopeKey } from '../crypto/envelope.ts';
import type { PackMessage, WorkerAnswer, WorkerRequest, WorkerSetup } from './worker-messages.ts';

const maxWorkers = 8;

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
 * The threads that do all bulk work of one open repository. They start when they are first needed, and keep the
 * process alive only while they have something to do.
 */
export class WorkerPool implements AsyncDisposable {
  readonly #key: EnvelopeKey;
  readonly #onPack = new Map<number, (message: PackMessage, from: PoolWorker) => void>();
  #workers: BlobWorker[] = [];
  #sessions = 0;

  constructor(key: EnvelopeKey) {
    this.#key = key;
  }

  /** The first worker with little to do, else the least busy one: small work stays on few workers. */
  leastBusy(): PoolWorker {
    const workers = this.#started();
    const fewBytes = 2 * 1024 * 1024;
    const idle = workers.find((worker) => worker.pendingBytes < fewBytes);
    return (
      idle ?? workers.reduce((best, each) => (each.pendingBytes < best.pendingBytes ? each : best))
    );
  }

  workers(): readonly PoolWorker[] {
    return this.#started();
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
    await Promise.all(workers.map((worker) => worker.stop()));
  }

  #started(): readonly PoolWorker[] {
    if (this.#workers.length === 0) {
      const count = Math.min(maxWorkers, Math.max(2, availableParallelism()));
      const setup: WorkerSetup = { masterKey: this.#key };
      this.#workers = Array.from({ length: count }, (_, number) => {
        return new BlobWorker(number, setup, (message, from) => {
          this.#onPack.get(message.session)?.(message, from);
        });
      });
    }
    return this.#workers;
  }
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
    });
    this.#thread.unref();
    this.#thread.on('message', (message: WorkerAnswer | PackMessage) => {
      if (message.type === 'pack') onPack(message, this);
      else this.#settle(message);
    });
    this.#thread.on('error', (error) => this.#die(error));
    this.#thread.on('exit', () => this.#die(undefined));
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
    await this.#thread.terminate();
  }

  #settle(message: WorkerAnswer): void {
    const job = this.#pending.get(message.job);
    assert(job !== undefined, 'a worker answers what it was asked');
    this.#forget(message.job, job);
    if (message.type === 'failed') {
      const { code, message: text, hint } = message;
      job.reject(new LifeboatError(code, text, hint === undefined ? {} : { hint }));
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

  #die(cause: unknown): void {
    this.#death ??= new LifeboatError('bug', 'a worker thread ended early', { cause });
    for (const [number, job] of [...this.#pending]) {
      this.#forget(number, job);
      job.reject(this.#death);
    }
  }
}
