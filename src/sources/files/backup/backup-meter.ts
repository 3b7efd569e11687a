import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { endThread, formatCount, type Progress } from '../../../core/index.ts';
import type { Counts } from './counts.ts';
import type { EntryRules } from './entry-rules.ts';
import type { ScannedTotals } from './scan-tree.ts';

const progressEveryMs = 200;
/** What is done by then needs no time left. */
const defaultScanAfterMs = 2000;

/** What the thread that counts is given. */
export interface ScanSetup {
  /** In byte text. */
  readonly paths: readonly string[];
  readonly rules: EntryRules;
}

export interface MeterOptions {
  readonly task: string;
  readonly progress: Progress;
  /** Done so far, with what is read of files that are not done. */
  counts(): Pick<Counts, 'bytesTotal' | 'filesTotal'> & { readonly bytesUnderWay: number };
  /** Of the backup before. Without, what there is is counted while the backup runs, where somebody is to see it. */
  readonly formerBytes: number | undefined;
  readonly scan: ScanSetup | undefined;
  readonly scanAfterMs?: number;
}

/** Tells how far a backup is, and of how much as soon as that is known. */
export class BackupMeter implements Disposable {
  readonly #options: MeterOptions;
  readonly #ticking: NodeJS.Timeout;
  readonly #beginning: NodeJS.Timeout | undefined;
  #scanning: Worker | undefined;
  #totalBytes: number | undefined;

  constructor(options: MeterOptions) {
    this.#options = options;
    const { scan, formerBytes, scanAfterMs = defaultScanAfterMs } = options;
    this.#totalBytes = formerBytes;
    this.#ticking = setInterval(() => this.#tick(), progressEveryMs);
    if (scan !== undefined && formerBytes === undefined) {
      this.#beginning = setTimeout(() => this.#begin(scan), scanAfterMs);
    }
  }

  #tick(): void {
    const { task, progress, counts } = this.#options;
    const { bytesTotal, filesTotal, bytesUnderWay } = counts();
    const total = this.#totalBytes;
    // Files grow, and there may be more of them than at the last time: then the total is not known.
    const isKnown = total !== undefined && total >= bytesTotal;
    const files = `${formatCount(filesTotal)} ${filesTotal === 1 ? 'file' : 'files'}`;
    progress({
      type: 'progress',
      task,
      done: isKnown ? Math.min(total, bytesTotal + bytesUnderWay) : bytesTotal + bytesUnderWay,
      ...(isKnown ? { total } : {}),
      unit: 'bytes',
      detail: this.#scanning === undefined ? files : `${files}, counting what there is`,
    });
  }

  #begin(scan: ScanSetup): void {
    const file = new URL(`./count-worker${extname(import.meta.url)}`, import.meta.url);
    const thread = new Worker(file, { workerData: scan, execArgv: [], stdin: false });
    this.#scanning = thread;
    thread.on('message', ({ bytes }: ScannedTotals) => {
      this.#totalBytes = bytes;
    });
    // An estimate is no reason to fail.
    thread.on('error', () => {});
    thread.on('exit', () => {
      this.#scanning = undefined;
    });
    thread.unref();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#ticking);
    clearTimeout(this.#beginning);
    if (this.#scanning) void endThread(this.#scanning);
  }
}
