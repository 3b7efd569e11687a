import { once } from 'node:events';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { endThread, LifeboatError } from '../../../core/index.ts';
import type {
  CheckedPages,
  PageCheckAnswer,
  PageCheckRequest,
  PageCheckSetup,
} from './page-check-message.ts';

/** Verifies the page checksums of files, one file at a time. */
export class PageCheckThread implements AsyncDisposable {
  readonly #worker: Worker;

  constructor(setup: PageCheckSetup) {
    // The same file name in the source tree and in the built package, but for the ending.
    const file = `./page-check-worker${extname(import.meta.url)}`;
    this.#worker = new Worker(new URL(file, import.meta.url), { workerData: setup, execArgv: [] });
    this.#worker.on('error', () => {});
    this.#worker.unref();
  }

  /** Errors: `file.unreadable` with the system's code in its context. */
  async check(request: PageCheckRequest): Promise<CheckedPages> {
    const answered = once(this.#worker, 'message');
    this.#worker.ref();
    this.#worker.postMessage(request);
    const [answer] = (await answered.finally(() => this.#worker.unref())) as [PageCheckAnswer];
    if (answer.type === 'checked') return answer;
    throw new LifeboatError('file.unreadable', `could not read ${request.path}: ${answer.code}`, {
      context: { code: answer.code },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await endThread(this.#worker);
  }
}
