import type { Worker } from 'node:worker_threads';
import { endThread, sleep } from '../../core/index.ts';

const gentleStopMs = 300;

/** Ends a thread that closes its port at the message, so that it gives back what it holds outside JavaScript; else by force. */
export async function stopThread(thread: Worker, message: unknown): Promise<void> {
  const exited = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
  thread.postMessage(message);
  const waiting = new AbortController();
  await Promise.race([exited, sleep(gentleStopMs, waiting.signal).catch(() => {})]);
  waiting.abort();
  await endThread(thread);
}
