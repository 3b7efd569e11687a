import { cancelled } from '../../../core/index.ts';

interface Fetch<Result> {
  readonly result: Promise<Result>;
  readonly gone: AbortController;
  waiting: number;
}

/** Runs one fetch for all who want the same thing at the same time; it is called off when the last of them has gone. */
export class SharedFetch<Result> {
  readonly #running = new Map<string, Fetch<Result>>();

  async get(
    key: string,
    signal: AbortSignal | undefined,
    start: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    const fetch = this.#running.get(key) ?? this.#start(key, start);
    fetch.waiting++;
    try {
      return await untilAborted(fetch.result, signal);
    } finally {
      fetch.waiting--;
      if (fetch.waiting === 0) {
        if (this.#running.get(key) === fetch) this.#running.delete(key);
        fetch.gone.abort();
      }
    }
  }

  #start(key: string, start: (signal: AbortSignal) => Promise<Result>): Fetch<Result> {
    const gone = new AbortController();
    const fetch = { result: start(gone.signal), gone, waiting: 0 };
    // Those who wait get the error; when nobody does any more it is nobody's.
    fetch.result.catch(() => {});
    this.#running.set(key, fetch);
    return fetch;
  }
}

function untilAborted<Result>(
  result: Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  if (signal === undefined) return result;
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(cancelled(signal));
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    result.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
