import { once } from 'node:events';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import {
  endThread,
  formatCount,
  LifeboatError,
  type Progress,
  throwIfAborted,
} from '../../core/index.ts';
import { formatLsn } from '../../wal/index.ts';
import type { LogWindow } from './log-windows.ts';
import type { ScanAnswer, ScanRequest, ScanResult, ScanSetup } from './scan-message.ts';

/** One read of the log. One piece is read while the one before is decoded: at most three are in memory. */
export const pieceBytes = 16 * 1024 * 1024;

/**
 * Decodes [start, end) of a window in a thread of its own. `start` must be the start of a segment. Ends early where the
 * records end (see `end` of the result). Errors: `log.gap`, `wal.unsupported`, `repository.damaged`, `cancelled`.
 */
export async function scanLog(
  window: LogWindow,
  range: { readonly start: bigint; readonly end: bigint },
  what: Pick<ScanSetup, 'index' | 'transaction' | 'tally'>,
  options: { readonly signal?: AbortSignal; readonly progress: Progress; readonly title: string },
): Promise<ScanResult> {
  const { signal, progress, title } = options;
  const { systemId, segmentSizeBytes } = window;
  const setup: ScanSetup = { ...what, start: range.start, systemId, segmentSizeBytes };
  await using thread = new ScanThread(setup);
  const total = Number(range.end - range.start);
  const task = `scan-${formatLsn(range.start)}`;
  progress({ type: 'begin', task, title });
  let taken: Promise<boolean> = Promise.resolve(false);
  for (let at = range.start; at < range.end; ) {
    throwIfAborted(signal);
    const until = at + BigInt(pieceBytes) < range.end ? at + BigInt(pieceBytes) : range.end;
    const bytes = await window.read(at, until, signal);
    if (await taken) break;
    taken = thread.take(bytes);
    // Awaited in the next round; until then a failure must not count as unhandled.
    taken.catch(() => {});
    at = until;
    const done = Number(at - range.start);
    progress({ type: 'progress', task, done, total, unit: 'bytes', detail: formatLsn(at) });
  }
  await taken;
  const result = await thread.finish();
  progress({ type: 'end', task, ...(what.transaction || what.tally ? {} : summarized(result)) });
  return result;
}

function summarized({ committedCount }: ScanResult): { readonly summary: string } {
  return {
    summary: `${formatCount(committedCount)} ${committedCount === 1 ? 'transaction' : 'transactions'}`,
  };
}

class ScanThread implements AsyncDisposable {
  readonly #worker: Worker;

  constructor(setup: ScanSetup) {
    // The same file name in the source tree and in the built package, but for the ending.
    const file = `./scan-worker${extname(import.meta.url)}`;
    this.#worker = new Worker(new URL(file, import.meta.url), { workerData: setup, execArgv: [] });
    this.#worker.on('error', () => {});
  }

  /** True when the records ended and more bytes are pointless. */
  async take(bytes: Uint8Array): Promise<boolean> {
    const answer = await this.#ask({ type: 'piece', bytes });
    return answer.type === 'taken' && answer.invalid;
  }

  async finish(): Promise<ScanResult> {
    return (await this.#ask({ type: 'finish' })) as ScanResult;
  }

  async #ask(request: ScanRequest): Promise<ScanAnswer> {
    const answered = once(this.#worker, 'message');
    // A piece is ours. Only small ones lie in a buffer that Node shares: those are copied.
    const isLarge = request.type === 'piece' && request.bytes.length >= Buffer.poolSize;
    this.#worker.postMessage(request, isLarge ? [request.bytes.buffer as ArrayBuffer] : []);
    const [answer] = (await answered) as [ScanAnswer];
    if (answer.type === 'failed') throw new LifeboatError(answer.code, answer.message);
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await endThread(this.#worker);
  }
}
