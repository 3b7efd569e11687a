import { createRequire } from 'node:module';
import {
  getEnvironmentData,
  isMainThread,
  setEnvironmentData,
  type Worker,
} from 'node:worker_threads';

type Koffi = typeof import('koffi');

const environmentKey = 'lifeboat.foreign-calls';
/** Nobody holds it for long. One that was never given back must not hold up the end of a command. */
const longestWaitMs = 10_000;
const longestWaitAtExitMs = 2000;

/**
 * 1 while a thread loads koffi or binds functions, or is ended. A thread that is ended by force while it loads aborts the
 * whole process: what koffi asks of V8 fails then, and it does not expect that. Calls of what is bound are safe.
 */
const lock = sharedWord();
/** Threads of which this one waits for the end. Together they hold the lock once. */
let ending = 0;

/** Loads koffi, some 8 ms at the first use in a thread, and has the caller bind its functions. Throws what `bind` throws. */
export function bindForeign<Bound>(bind: (koffi: Koffi) => Bound): Bound {
  // Nobody ends the main thread.
  if (isMainThread) return bind(koffi());
  takeNow(longestWaitMs);
  try {
    return bind(koffi());
  } finally {
    giveBack();
  }
}

/** Ends a thread by force, without harm to the process. Resolves when it has ended, at once when it had before. */
export async function endThread(thread: Worker): Promise<void> {
  await takeToEnd();
  try {
    await thread.terminate();
  } finally {
    if (--ending === 0) giveBack();
  }
}

function koffi(): Koffi {
  return createRequire(import.meta.url)('koffi') as Koffi;
}

function sharedWord(): Int32Array<SharedArrayBuffer> {
  const known = getEnvironmentData(environmentKey);
  if (known instanceof SharedArrayBuffer) return new Int32Array(known);
  const memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  // Threads started from now on find it.
  setEnvironmentData(environmentKey, memory);
  // The end of a process is the end of its threads.
  if (isMainThread) process.once('exit', () => void (ending > 0 || takeNow(longestWaitAtExitMs)));
  return new Int32Array(memory);
}

function takeNow(longestMs: number): void {
  const until = performance.now() + longestMs;
  while (Atomics.compareExchange(lock, 0, 0, 1) !== 0) {
    const leftMs = until - performance.now();
    if (leftMs <= 0) return;
    Atomics.wait(lock, 0, 1, leftMs);
  }
}

async function takeToEnd(): Promise<void> {
  const until = performance.now() + longestWaitMs;
  while (ending === 0 && Atomics.compareExchange(lock, 0, 0, 1) !== 0) {
    const leftMs = until - performance.now();
    if (leftMs <= 0) break;
    await Atomics.waitAsync(lock, 0, 1, leftMs).value;
  }
  ending++;
}

function giveBack(): void {
  Atomics.store(lock, 0, 0);
  Atomics.notify(lock, 0, 1);
}
