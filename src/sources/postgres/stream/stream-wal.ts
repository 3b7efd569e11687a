import { type ErrorCode, isLifeboatError, sleep } from '../../../core/index.ts';
import { Exposure } from './exposure.ts';
import { Guarantees } from './guarantees.ts';
import { LogCoverage } from './log-coverage.ts';
import { decisiveOf, ServerChoice } from './server-choice.ts';
import { SlotAhead } from './slot-ahead.ts';
import { watchSlot } from './slot-watch.ts';
import { Spool } from './spool.ts';
import { defaultLimits, type StreamOptions } from './stream-options.ts';
import { type SessionContext, type SessionEnd, StreamSession } from './stream-session.ts';
import { StatePublisher } from './stream-state.ts';
import { Uploader } from './uploader.ts';

const retryDelayMinMs = 250;
const retryDelayMaxMs = 15_000;
/** Faults of the setup when they come first, but passing ones (a server that is being rebuilt) once it has worked. */
const passingOnceStreamed: readonly ErrorCode[] = [
  'postgres.refused',
  'postgres.no-replication',
  'postgres.untrusted',
  'postgres.query',
];

/**
 * Streams WAL through the spool into the log until the signal aborts, reconnecting by itself. What it reports to the server
 * as written is durable in the spool, as flushed durable in the log. Rejects when it cannot go on: `postgres.slot-lost`,
 * `.slot-busy`, `.other-cluster`, `.refused`, `.no-replication`, `log.conflict`, `spool.locked`, `spool.damaged`.
 */
export async function streamWal(options: StreamOptions): Promise<void> {
  const state = new StatePublisher(options.source, options.onState);
  try {
    await using spool = await Spool.open(options.spoolFolder);
    await new WalStream(options, spool, state).run();
  } finally {
    state.phase('stopped');
    state.close();
  }
}

class WalStream {
  readonly #options: StreamOptions;
  readonly #context: SessionContext;
  readonly #uploader: Uploader;
  readonly #servers: ServerChoice;
  readonly #state: StatePublisher;
  /** Ends the sessions when the uploader cannot go on, or the caller wants to stop. */
  readonly #stop: AbortSignal;
  readonly #broken = new AbortController();
  #session: StreamSession | undefined;
  #uploading: Promise<void> = Promise.resolve();
  #uploadFailure: unknown;
  #finished: Promise<void> | undefined;
  #hasStreamed = false;
  #failures = 0;
  #busySinceMs: number | undefined;

  constructor(options: StreamOptions, spool: Spool, state: StatePublisher) {
    const limits = { ...defaultLimits, ...options.limits };
    const coverage = new LogCoverage(options.log);
    this.#state = state;
    this.#stop = AbortSignal.any([options.signal, this.#broken.signal]);
    this.#options = { ...options, signal: this.#stop };
    this.#servers = new ServerChoice(options.settings);
    this.#uploader = new Uploader({
      log: options.log,
      coverage,
      spool,
      pieceIntervalMs: limits.pieceIntervalMs,
      onFlushed: () => this.#session?.onFlushed(),
      onProblem: (problem) => state.problem('repository', problem),
    });
    const guarantees = new Guarantees(options, state, limits.slotLookIntervalMs);
    this.#context = {
      options: this.#options,
      limits,
      guarantees,
      ahead: new SlotAhead(),
      exposure: { written: new Exposure(), flushed: new Exposure() },
      spool,
      coverage,
      uploader: this.#uploader,
      state,
      warn: (message) => options.progress?.({ type: 'warning', message }),
      finishUpload: () => {
        this.#finished ??= this.#finishUpload(limits.stopMaxMs);
        return this.#finished;
      },
      onStreaming: () => {
        this.#hasStreamed = true;
        this.#servers.reset();
        this.#failures = 0;
        this.#busySinceMs = undefined;
      },
    };
  }

  async run(): Promise<void> {
    this.#uploading = this.#uploader.run().catch((error: unknown) => {
      this.#uploadFailure = error;
      this.#broken.abort(error);
    });
    const watched = new AbortController();
    const watching = this.#watchSlot(AbortSignal.any([this.#stop, watched.signal]));
    try {
      await this.#receive();
    } finally {
      watched.abort();
      await this.#context.finishUpload();
      await watching;
    }
    if (this.#uploadFailure) throw this.#uploadFailure;
  }

  async #watchSlot(signal: AbortSignal): Promise<void> {
    const { guarantees, limits, options } = this.#context;
    await watchSlot({
      slot: options.slot,
      settings: () => this.#session?.server ?? this.#servers.settings,
      signal,
      intervalMs: limits.slotLookIntervalMs,
      onLook: (look) => guarantees.consider(look, () => this.#session?.followSpool()),
      onProblem: (problem) => this.#state.problem('sql', problem),
    });
  }

  async #receive(): Promise<void> {
    let next: SessionEnd;
    while (!this.#stop.aborted) {
      this.#session = new StreamSession(this.#context);
      try {
        next = await this.#session.run(this.#servers.settings, next);
      } catch (error) {
        next = undefined;
        if (this.#stop.aborted) return;
        if (this.#servers.passOver(this.#session.server, error)) continue;
        await this.#pauseAfter(error);
      }
    }
  }

  async #pauseAfter(error: unknown): Promise<void> {
    const all = [...this.#servers.reset(), error];
    const decisive = decisiveOf(all);
    if (!this.#isPassing(decisive)) throw decisive;
    this.#failures += 1;
    const facts = all.map((each) => (each instanceof Error ? each.message : String(each)));
    this.#state.problem('server', [...new Set(facts)].join('; '));
    this.#state.phase('waiting');
    const delayMs = Math.min(retryDelayMinMs * 2 ** Math.min(this.#failures, 10), retryDelayMaxMs);
    await sleep(delayMs * (0.5 + Math.random() / 2), this.#stop).catch(() => {});
    this.#state.phase('connecting');
  }

  #isPassing(error: unknown): boolean {
    if (!isLifeboatError(error)) return false;
    if (error.code === 'postgres.slot-busy') {
      this.#busySinceMs ??= performance.now();
      return performance.now() - this.#busySinceMs < this.#context.limits.slotBusyMaxMs;
    }
    if (passingOnceStreamed.includes(error.code)) return this.#hasStreamed;
    return error.retryable;
  }

  async #finishUpload(withinMs: number): Promise<void> {
    this.#uploader.finish();
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        this.#uploader.abandon();
        resolve();
      }, withinMs);
    });
    await Promise.race([this.#uploading, patience]);
    clearTimeout(timer);
  }
}
