import { isLifeboatError, LifeboatError } from '../../core/index.ts';
import { type Engine, leaseMs } from './engine/engine.ts';

const renewMs = 5000;
const takenOver = 'another process has taken it over';

/**
 * That this process drives the run, renewed while it does. Lost when another one takes over, or when for nearly the length of a lease no sign
 * of life could be given (an event loop that stood still, a server of the state that does not answer): then `signal` aborts with
 * `run.lease-lost`, and nothing more may be changed.
 */
export class Lease implements AsyncDisposable {
  readonly run: string;
  readonly epoch: number;
  readonly #engine: Engine;
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  /** When the last sign of life was given, by the clock that nobody sets. */
  #renewedAt = performance.now();
  #renewal: Promise<void> | undefined;

  constructor(engine: Engine, run: string, epoch: number) {
    this.#engine = engine;
    this.run = run;
    this.epoch = epoch;
    this.#timer = setInterval(() => {
      // One turn before the lease is over: it has stopped before anybody takes it for gone.
      if (performance.now() - this.#renewedAt > leaseMs - renewMs)
        this.lose('no sign of life could be given');
      else this.#renew().catch(() => {});
    }, renewMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Looks, and throws `run.lease-lost` when it is not held any more, or when that cannot be known in time. */
  async assertHeld(): Promise<void> {
    if (!this.signal.aborted) await this.#lookInTime();
    if (this.signal.aborted) throw this.signal.reason;
  }

  lose(why: string): void {
    if (this.signal.aborted) return;
    this.#controller.abort(
      new LifeboatError(
        'run.lease-lost',
        `this process may not go on with run ${this.run}: ${why}`,
        {
          hint: 'Nothing more is changed from here. `lifeboat recover --status` shows who drives the run now; when nobody does, go on with `lifeboat recover --resume`.',
          context: { run: this.run },
        },
      ),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#renewal?.catch(() => {});
    if (this.signal.aborted) return;
    // A lease that could not be given back ends with this process.
    await this.#engine.release(this.run, this.epoch).catch((error) => {
      if (!isLifeboatError(error)) throw error;
    });
  }

  async #lookInTime(): Promise<void> {
    const silentMs = performance.now() - this.#renewedAt;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, Math.max(renewMs, leaseMs - silentMs));
    });
    const look = silentMs > renewMs ? this.#renew() : this.#look();
    try {
      await Promise.race([look, late.then(() => this.lose('its state does not answer'))]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #look(): Promise<void> {
    if (!(await this.#engine.holds(this.run, this.epoch))) this.lose(takenOver);
  }

  #renew(): Promise<void> {
    this.#renewal ??= this.#renewOnce().finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  async #renewOnce(): Promise<void> {
    const begun = performance.now();
    if (await this.#engine.renew(this.run, this.epoch)) this.#renewedAt = begun;
    else this.lose(takenOver);
  }
}
