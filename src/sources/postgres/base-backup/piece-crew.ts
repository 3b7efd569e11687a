import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { assert, endThread, LifeboatError, sleep } from '../../../core/index.ts';
import type { BackupWriter, BlobId } from '../../../repository/index.ts';
import type { DataEntry, DataFolders } from '../local-backup/list-data-files.ts';
import type {
  FilePiece,
  Piece,
  SavedPiece,
  WorkerAnswer,
  WorkerFailure,
  WorkerRequest,
  WorkerSetup,
} from './piece.ts';

/** A multiple of every chunk size. */
const slabBytes = 1024 * 1024;
/** As many for each thread, so that none waits while the network is read. */
const slabsPerWorker = 6;
const readsPerWorker = 3;
const mostWorkers = 8;
const gentleStopMs = 3000;
/** Most of what a thread makes is gone at once: a small young generation does, and takes little memory. */
const resourceLimits = { maxYoungGenerationSizeMb: 6 };

/** Memory that the threads can read. */
export interface Slab {
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  /** Undefined for one that was made because all others were taken. */
  readonly number: number | undefined;
}

export interface SlabTaker {
  /** Never waits: see `room`. */
  slab(): Slab;
  /** The slab is the threads' until they are done with it. Pieces lie one behind the other from its begin. */
  send(slab: Slab, pieces: readonly (Piece & { onSaved(saved: SavedPiece): void })[]): void;
}

export interface PieceCrewOptions {
  /** Of each repository. */
  readonly writers: readonly BackupWriter[];
  readonly pageSizeBytes: number;
  readonly workers?: number;
  /** A repository takes no more; the backup goes on in the others. */
  readonly onWriterFailed: (writer: number, error: unknown) => void;
}

interface Member {
  readonly thread: Worker;
  readonly exited: Promise<void>;
  jobs: number;
}

/** The main thread's end of the threads that save the files of a base backup. */
export class PieceCrew implements SlabTaker, AsyncDisposable {
  readonly #options: PieceCrewOptions;
  readonly #members: Member[] = [];
  readonly #slabs: Slab[];
  readonly #freeSlabs: Slab[];
  readonly #jobs = new Map<number, (answer: JobAnswer) => void>();
  readonly #failedWriters = new Set<number>();
  #nextJob = 0;
  #failure: { readonly error: unknown } | undefined;
  #isClosing = false;
  #waiting: (() => void)[] = [];

  constructor(options: PieceCrewOptions) {
    this.#options = options;
    const count = options.workers ?? Math.min(mostWorkers, Math.max(2, availableParallelism()));
    this.#slabs = Array.from({ length: count * slabsPerWorker }, (_, number) => ({
      bytes: new Uint8Array(new SharedArrayBuffer(slabBytes)),
      number,
    }));
    this.#freeSlabs = [...this.#slabs];
    for (let number = 0; number < count; number++) this.#members.push(this.#start());
  }

  slab(): Slab {
    const free = this.#freeSlabs.pop();
    return free ?? { bytes: new Uint8Array(new SharedArrayBuffer(slabBytes)), number: undefined };
  }

  send(slab: Slab, pieces: readonly (Piece & { onSaved(saved: SavedPiece): void })[]): void {
    const place = slab.number ?? slab.bytes.buffer;
    const plain = pieces.map(({ onSaved: _, ...piece }) => piece);
    this.#run({ type: 'bytes', slab: place, pieces: plain }, (answer) => {
      assert(answer.type === 'saved', 'bytes are answered by what was saved');
      for (const [index, saved] of answer.pieces.entries()) pieces[index]?.onSaved(saved);
      if (slab.number !== undefined) this.#freeSlabs.push(slab);
    });
  }

  /** Undefined while there is room, so that the caller needs no promise for most bytes. Throws what went wrong. */
  room(): Promise<void> | undefined {
    this.#throwFailure();
    if (this.#freeSlabs.length >= 2) return undefined;
    return this.#until(() => this.#freeSlabs.length >= this.#slabs.length / 2);
  }

  /** Pieces that the threads read themselves. `onRead` gets undefined for those whose file is gone. */
  read(
    pieces: readonly FilePiece[],
    onRead: (saved: readonly (SavedPiece | undefined)[]) => void,
  ): void {
    this.#run({ type: 'read', pieces }, (answer) => {
      assert(answer.type === 'read', 'pieces are answered by what was read');
      onRead(answer.pieces);
    });
  }

  /** Undefined while the threads have less to read than they could do in a moment. Throws what went wrong. */
  readRoom(): Promise<void> | undefined {
    this.#throwFailure();
    const most = this.#members.length * readsPerWorker;
    return this.#jobs.size < most ? undefined : this.#until(() => this.#jobs.size < most);
  }

  async list(folders: DataFolders): Promise<readonly DataEntry[]> {
    let entries: readonly DataEntry[] | undefined;
    this.#run({ type: 'list', folders }, (answer) => {
      assert(answer.type === 'listed', 'a listing is answered by entries');
      entries = answer.entries;
    });
    await this.#until(() => entries !== undefined);
    return entries as readonly DataEntry[];
  }

  /** Everything that was given is saved, and its ids are known. */
  settled(): Promise<void> {
    return this.#until(() => this.#jobs.size === 0);
  }

  /** The bytes are given away. Trees go to one thread, so that they end up in few packs. */
  async saveTree(tree: Uint8Array<ArrayBuffer>): Promise<BlobId> {
    let id: string | undefined;
    this.#run(
      { type: 'tree', tree },
      (answer) => {
        assert(answer.type === 'tree', 'a tree is answered by its id');
        id = answer.id;
      },
      { member: this.#members[0] as Member, transfer: [tree.buffer] },
    );
    await this.#until(() => id !== undefined);
    return id as BlobId;
  }

  /** Hands everything saved to the writers. */
  async flush(): Promise<void> {
    for (const member of this.#members) this.#run({ type: 'flush' }, () => {}, { member });
    await this.settled();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    this.#fail(new LifeboatError('cancelled', 'the backup has ended'));
    const patience = new AbortController();
    const longEnough = sleep(gentleStopMs, patience.signal).catch(() => {});
    await Promise.all(
      this.#members.map(async ({ thread, exited }) => {
        thread.postMessage({ type: 'end' } satisfies WorkerRequest);
        // Whoever holds a lock of the shared memory lets go of it, and temporary files are removed.
        await Promise.race([exited, longEnough]);
        await endThread(thread);
      }),
    );
    patience.abort();
  }

  #start(): Member {
    const { writers, pageSizeBytes } = this.#options;
    const sinks = writers.map((writer) => writer.grantSink({ isFast: true }));
    const slabs = this.#slabs.map(({ bytes }) => bytes.buffer);
    const setup: WorkerSetup = { sinks, slabs, pageSizeBytes };
    const entry = new URL(`./piece-worker${extname(import.meta.url)}`, import.meta.url);
    const thread = new Worker(entry, {
      workerData: setup,
      transferList: sinks.map(({ port }) => port),
      execArgv: [],
      resourceLimits,
    });
    thread.on('message', (answer: WorkerAnswer) => this.#take(member, answer));
    const early = (cause?: unknown) => {
      if (this.#isClosing) return;
      this.#fail(new LifeboatError('bug', 'a worker thread ended early', { cause }));
    };
    thread.on('error', early);
    const exited = new Promise<void>((resolve) =>
      thread.once('exit', () => {
        early();
        resolve();
      }),
    );
    const member: Member = { thread, exited, jobs: 0 };
    return member;
  }

  #run(
    request: WithoutJob<WorkerRequest>,
    onAnswer: (answer: JobAnswer) => void,
    { member, transfer = [] }: { member?: Member; transfer?: ArrayBuffer[] } = {},
  ): void {
    const to = member ?? this.#members.reduce((a, b) => (b.jobs < a.jobs ? b : a));
    const job = this.#nextJob++;
    to.jobs++;
    this.#jobs.set(job, onAnswer);
    to.thread.postMessage({ ...request, job }, transfer);
  }

  #take(member: Member, answer: WorkerAnswer): void {
    if (answer.type === 'sink-failed') this.#writerFailed(answer.sink, answer.failure);
    else if (answer.type === 'failed') this.#fail(errorOf(answer.failure));
    else this.#answered(member, answer);
  }

  #answered(member: Member, answer: JobAnswer): void {
    member.jobs--;
    const onAnswer = this.#jobs.get(answer.job);
    this.#jobs.delete(answer.job);
    try {
      onAnswer?.(answer);
    } catch (error) {
      this.#fail(error);
    }
    this.#wake();
  }

  /** A thread tells that a sink refuses; why, the writer knows best. */
  #writerFailed(number: number, failure: WorkerFailure): void {
    if (this.#isClosing || this.#failedWriters.has(number)) return;
    this.#failedWriters.add(number);
    let error: unknown = errorOf(failure);
    try {
      this.#options.writers[number]?.throwIfFailed();
    } catch (cause) {
      error = cause;
    }
    this.#options.onWriterFailed(number, error);
    if (this.#failedWriters.size === this.#options.writers.length) this.#fail(error);
  }

  async #until(isDone: () => boolean): Promise<void> {
    for (;;) {
      this.#throwFailure();
      if (isDone()) return;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }
}

function errorOf({ code, message, hint }: WorkerFailure): LifeboatError {
  return new LifeboatError(code, message, hint === undefined ? {} : { hint });
}

type JobAnswer = Extract<WorkerAnswer, { readonly job: number }>;
type WithoutJob<Request> = Request extends { readonly job: number } ? Omit<Request, 'job'> : never;
