import type { Progress } from '../../../core/index.ts';

const progressStepBytes = 1024 * 1024;
const progressStepMs = 60;

/** Tells how far the work is, some times a second. */
export class ByteMeter {
  /** By the server, without WAL. */
  estimatedBytes: number | undefined;
  readonly #progress: Progress;
  #doneBytes = 0;
  #toldBytes = 0;
  #toldMs = 0;

  constructor(progress: Progress) {
    this.#progress = progress;
  }

  add(bytes: number): void {
    this.#doneBytes += bytes;
    if (this.#doneBytes - this.#toldBytes < progressStepBytes) return;
    const now = performance.now();
    if (now - this.#toldMs < progressStepMs) return;
    this.#toldBytes = this.#doneBytes;
    this.#toldMs = now;
    this.#progress({
      type: 'progress',
      task: 'base-backup',
      done: this.#doneBytes,
      unit: 'bytes',
      ...(this.estimatedBytes === undefined
        ? {}
        : { total: Math.max(this.estimatedBytes, this.#doneBytes) }),
    });
  }
}
