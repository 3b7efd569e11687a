import { LifeboatError } from './errors.ts';

/** Throws our `cancelled` error when the signal is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw cancelled(signal);
}

export function cancelled(signal: AbortSignal): LifeboatError {
  if (signal.reason instanceof LifeboatError) return signal.reason;
  return new LifeboatError('cancelled', 'cancelled', { cause: signal.reason });
}

/** Waits; rejects with `cancelled` as soon as the signal aborts. Leaves no timer behind. */
export function sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(cancelled(signal));
    const onAbort = () => {
      clearTimeout(timer);
      reject(cancelled(signal as AbortSignal));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, durationMs);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
