import type { Progress } from '../../core/index.ts';
import type { CopyReport } from './copy.ts';

/** Counts what a copy does, and tells each problem once. */
export class CopyTally {
  readonly #progress: Progress;
  readonly #problems = new Set<string>();
  #blobs = 0;
  #blobBytes = 0;
  #bytesStored = 0;
  #logSegments = 0;
  #logBytes = 0;
  #records = 0;

  constructor(progress: Progress) {
    this.#progress = progress;
  }

  blobs(count: number, sealedBytes: number): void {
    this.#blobs += count;
    this.#blobBytes += sealedBytes;
  }

  stored(bytes: number): void {
    this.#bytesStored += bytes;
  }

  logPart(bytes: number): void {
    this.#logSegments++;
    this.#logBytes += bytes;
  }

  records(count: number): void {
    this.#records += count;
  }

  problem(problem: string): void {
    if (this.#problems.has(problem)) return;
    this.#problems.add(problem);
    this.#progress({ type: 'warning', message: `not copied: ${problem}` });
  }

  /** One that `progress` knows of. */
  toldProblem(problem: string): void {
    this.#problems.add(problem);
  }

  report(rest: Pick<CopyReport, 'dryRun' | 'snapshots' | 'snapshotsPresent'>): CopyReport {
    return {
      ...rest,
      blobs: this.#blobs,
      blobBytes: this.#blobBytes,
      bytesStored: this.#bytesStored,
      logSegments: this.#logSegments,
      logBytes: this.#logBytes,
      records: this.#records,
      problems: [...this.#problems],
    };
  }
}
