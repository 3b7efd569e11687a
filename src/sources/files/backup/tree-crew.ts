import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { endThread, LifeboatError } from '../../../core/index.ts';
import type { BackupWriter, BlobId } from '../../../repository/index.ts';
import { readAccounts } from './accounts.ts';
import { Counter, type Counts, sumCounts } from './counts.ts';
import type { EntryRules } from './entry-rules.ts';
import { exchangeWord } from './exchange.ts';
import { failureError } from './worker-failure.ts';
import type { FolderJob, MainMessage, WorkerMessage, WorkerSetup } from './worker-messages.ts';

const mostWorkers = 8;
/** Deep folders take stack. Most of what a worker makes is gone at once: a small young generation does, and takes little memory. */
const resourceLimits = { stackSizeMb: 8, maxYoungGenerationSizeMb: 6 };
const gentleStopMs = 3000;

export interface TreeCrewOptions {
  readonly rules: EntryRules;
  readonly workers?: number | undefined;
  /** Undefined when it cannot be read. Does not reject. */
  readTree(id: BlobId): Promise<Uint8Array | undefined>;
  onWarning(path: string, problem: string, isStored: boolean): void;
}

interface Member {
  readonly thread: Worker;
  readonly port: MessagePort;
  readonly supplyPort: MessagePort;
  readonly suppliesSent: Int32Array;
  readonly ended: Promise<void>;
  readonly exited: Promise<void>;
}

interface PartialAnswers {
  readonly number: number;
  readonly trees: BlobId[];
  answers: number;
  resolve(): void;
}

/** The main thread's end of the worker threads of one backup of files. */
export class TreeCrew implements AsyncDisposable {
  readonly #options: TreeCrewOptions;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #members: Member[] = [];
  readonly #counters: Counter[] = [];
  readonly #result = Promise.withResolvers<BlobId | undefined>();
  #partial: PartialAnswers | undefined;
  readonly #failure = Promise.withResolvers<never>();

  constructor(options: TreeCrewOptions) {
    this.#options = options;
    const count = options.workers ?? Math.min(mostWorkers, Math.max(2, availableParallelism()));
    this.#words = new Int32Array(new SharedArrayBuffer((exchangeWord.inboxes + count + 1) * 4));
    // It is awaited only while there is work.
    this.#failure.promise.catch(() => {});
    const accounts = readAccounts();
    const toMain = Array.from({ length: count }, () => new MessageChannel());
    const links = mesh(count);
    for (let number = 0; number < count; number++) {
      const { port1: port, port2: mainPort } = toMain[number] as MessageChannel;
      const { port1: supplyPort, port2: workerSupplyPort } = new MessageChannel();
      const suppliesSent = new SharedArrayBuffer(4);
      const counter = new Counter();
      const ports = [...(links[number] as (MessagePort | undefined)[]), mainPort];
      const setup: WorkerSetup = {
        number,
        ports,
        exchange: this.#words.buffer,
        supplyPort: workerSupplyPort,
        suppliesSent,
        counts: counter.memory,
        accounts,
        rules: options.rules,
      };
      const given = ports.filter((each) => each !== undefined);
      const thread = new Worker(
        new URL(`./tree-worker${extname(import.meta.url)}`, import.meta.url),
        {
          workerData: setup,
          transferList: [...given, workerSupplyPort],
          execArgv: [],
          resourceLimits,
        },
      );
      this.#counters.push(counter);
      const ended = this.#listen(thread, number);
      const exited = new Promise<void>((resolve) => thread.on('exit', () => resolve()));
      this.#members.push({
        thread,
        port,
        supplyPort,
        suppliesSent: new Int32Array(suppliesSent),
        ended,
        exited,
      });
    }
  }

  get counts(): Counts {
    return sumCounts(this.#counters);
  }

  /** Read of files that are not done, so not in the counts. */
  get bytesUnderWay(): number {
    return this.#counters.reduce((sum, { bytesUnderWay }) => sum + bytesUnderWay, 0);
  }

  /** The workers, which were started before there was anything to write to, may store. */
  begin(writer: BackupWriter): void {
    for (const number of this.#members.keys()) {
      const sink = writer.grantSink();
      this.#supply(number, sink, [sink.port]);
    }
  }

  /** Saves a folder with all that is in it; undefined when it cannot be read. */
  async save(job: FolderJob): Promise<BlobId | undefined> {
    this.#send(0, { type: 'job', from: this.#members.length, number: 0, job });
    const first = this.#members[0] as Member;
    first.port.on('message', (message: WorkerMessage) => {
      if (message.type === 'done') this.#result.resolve(message.tree);
    });
    return await Promise.race([this.#result.promise, this.#failure.promise]);
  }

  /**
   * Trees of what is saved so far, each from the root, handed over with all that they need. Not twice at a time. After the
   * last one nothing more is read.
   */
  async checkpoint({ isLast }: { readonly isLast: boolean }): Promise<readonly BlobId[]> {
    if (isLast) {
      Atomics.store(this.#words, exchangeWord.isLast, 1);
      // Makes all pause: only then is each result either with its worker or in the mail.
      await this.#askAll();
      await this.#askAll();
    }
    const trees = await this.#askAll();
    // What one worker's trees name may lie in an open pack of another: all are closed once all trees are made.
    await this.#askAll();
    return trees;
  }

  async #askAll(): Promise<readonly BlobId[]> {
    const number = Atomics.add(this.#words, exchangeWord.checkpoint, 1) + 1;
    Atomics.notify(this.#words, exchangeWord.checkpoint);
    const partial = { number, trees: [] as BlobId[], answers: 0, ...Promise.withResolvers<void>() };
    this.#partial = partial;
    for (const each of this.#members.keys()) this.#wake(each);
    await Promise.race([partial.promise, this.#failure.promise]);
    return [...new Set(partial.trees)];
  }

  #takePartial(number: number, trees: readonly BlobId[]): void {
    const partial = this.#partial;
    if (partial?.number !== number) return;
    partial.trees.push(...trees);
    if (++partial.answers === this.#members.length) partial.resolve();
  }

  /** Everything saved has left the workers. */
  async finish(): Promise<void> {
    for (const number of this.#members.keys()) this.#send(number, { type: 'end' });
    const all = Promise.all(this.#members.map(({ ended }) => ended));
    await Promise.race([all, this.#failure.promise]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    Atomics.store(this.#words, exchangeWord.stop, 1);
    for (const number of this.#members.keys()) {
      this.#wake(number);
      this.#supply(number, undefined);
    }
    await Promise.all(
      this.#members.map(async ({ thread, port, supplyPort, exited }) => {
        // Those that hold a lock of the shared memory let go of it first.
        await Promise.race([exited, pause(gentleStopMs, undefined, { ref: false })]);
        port.close();
        supplyPort.close();
        await endThread(thread);
      }),
    );
  }

  #send(to: number, message: WorkerMessage): void {
    this.#members[to]?.port.postMessage(message);
    this.#wake(to);
  }

  #wake(number: number): void {
    Atomics.add(this.#words, exchangeWord.inboxes + number, 1);
    Atomics.notify(this.#words, exchangeWord.inboxes + number);
  }

  /** Resolves when the worker has done its part; a failure rejects the result. */
  #listen(thread: Worker, number: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    let hasEnded = false;
    const fail = (error: unknown) => this.#failure.reject(error);
    thread.on('message', (message: MainMessage) => {
      if (message.type === 'warning')
        this.#options.onWarning(message.path, message.problem, message.isStored);
      else if (message.type === 'wantTree') void this.#answerTree(number, message.id);
      else if (message.type === 'checkpoint') this.#takePartial(message.number, message.trees);
      else if (message.type === 'failed') fail(failureError(message.failure));
      else if (message.type === 'ended') {
        hasEnded = true;
        resolve();
      }
    });
    const early = (cause?: unknown) =>
      fail(new LifeboatError('bug', 'a worker thread ended early', { cause }));
    thread.on('error', early);
    thread.on('exit', () => {
      if (!hasEnded) early();
    });
    return promise;
  }

  async #answerTree(number: number, id: BlobId): Promise<void> {
    this.#supply(number, await this.#options.readTree(id));
  }

  #supply(number: number, message: unknown, transfer: MessagePort[] = []): void {
    const { supplyPort, suppliesSent } = this.#members[number] as Member;
    supplyPort.postMessage(message, transfer);
    Atomics.add(suppliesSent, 0, 1);
    Atomics.notify(suppliesSent, 0);
  }
}

/** `mesh(n)[a][b]` is a's port to b. */
function mesh(count: number): (MessagePort | undefined)[][] {
  const ports = Array.from({ length: count }, () =>
    Array.from({ length: count }, (): MessagePort | undefined => undefined),
  );
  for (let a = 0; a < count; a++) {
    for (let b = a + 1; b < count; b++) {
      const { port1, port2 } = new MessageChannel();
      (ports[a] as (MessagePort | undefined)[])[b] = port1;
      (ports[b] as (MessagePort | undefined)[])[a] = port2;
    }
  }
  return ports;
}
