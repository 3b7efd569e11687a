import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isLifeboatError, LifeboatError } from '../../../core/index.ts';
import type { Log } from '../../../repository/index.ts';
import { type Lsn, lsn, timelineStream } from '../../../wal/index.ts';
import type { LogCoverage } from './log-coverage.ts';
import type { Spool } from './spool.ts';
import { listHistoryFiles } from './spool-folder.ts';
import type { SpoolSegment } from './spool-segment.ts';

const retryDelayMinMs = 500;
const retryDelayMaxMs = 30_000;

export interface UploaderOptions {
  readonly log: Log;
  readonly coverage: LogCoverage;
  readonly spool: Spool;
  /** How long the newest bytes may wait in the spool only. */
  readonly pieceIntervalMs: number;
  /** More is durable in the repository than before. */
  onFlushed(): void;
  /** Undefined: it works again. */
  onProblem(problem: string | undefined): void;
}

/**
 * Brings the spool into the repository, oldest first: whole segments as such, the newest part as pieces. Whatever the
 * repository answers, it tries again; only other bytes at the same position (`log.conflict`) end it.
 */
export class Uploader {
  readonly #options: UploaderOptions;
  readonly #seen = new WeakSet<SpoolSegment>();
  readonly #historyDone = new Set<string>();
  #finishing = false;
  #abandoned = false;
  #hasAppended = false;
  #urged = false;
  #lastPieceMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #wake: (() => void) | undefined;

  constructor(options: UploaderOptions) {
    this.#options = options;
  }

  /** Runs until `finish`; rejects when it cannot go on. */
  async run(): Promise<void> {
    for (;;) {
      const last = this.#finishing;
      await this.#tryRound();
      if (last || this.#abandoned) return;
      if (!this.#finishing && !this.#hasMore) await this.#pause();
    }
  }

  /** One more round for what is in the spool now, then `run` resolves. */
  finish(): void {
    this.#finishing = true;
    this.#wake?.();
  }

  /** Gives up on a repository that does not answer: nothing of the spool is touched any more. */
  abandon(): void {
    this.#abandoned = true;
  }

  /** A segment became whole: it need not wait for the interval. Has no effect while the repository fails. */
  segmentReady(): void {
    if (this.#failures === 0) this.#wake?.();
  }

  /** Somebody waits for the newest bytes. As above. */
  urge(): void {
    this.#urged = true;
    this.segmentReady();
  }

  /**
   * Everything the cluster wrote before it, since the log began, is durable in the repository. Undefined while that is not known
   * and while the log is empty.
   */
  get flushed(): Lsn | undefined {
    const { coverage } = this.#options;
    if (!coverage.isKnown || (coverage.isEmpty && !this.#hasAppended)) return undefined;
    const { segments } = this.#options.spool;
    const waiting = segments.find((each) => !each.whole || each.durable < each.synced);
    const last = segments.at(-1);
    if (!waiting || !last || waiting.timeline === last.timeline) return (waiting ?? last)?.durable;
    // A former timeline may have gone further than where the present one left it.
    const begin = segments.find(({ timeline }) => timeline === last.timeline) ?? last;
    return waiting.durable < begin.start ? waiting.durable : begin.start;
  }

  /** The log refuses other bytes than it has (`log.conflict`), and stores what it has no second time. */
  offerAgain(segment: SpoolSegment): void {
    this.#seen.add(segment);
  }

  /** What the log held before this streamer began need not be sent again. Has no effect until the coverage is known. */
  learnCoverage(): void {
    const { coverage, spool } = this.#options;
    if (!coverage.isKnown) return;
    for (const segment of spool.segments) {
      if (this.#seen.has(segment)) continue;
      this.#seen.add(segment);
      const end = coverage.endFrom(segment);
      segment.covered = end;
      if (end > segment.end) segment.covered = segment.end;
    }
  }

  /** Something became ready during the round. */
  get #hasMore(): boolean {
    if (this.#failures > 0) return false;
    if (this.#urged) return true;
    return this.#options.spool.segments.some((each) => each.whole && each.durable < each.synced);
  }

  async #tryRound(): Promise<void> {
    try {
      await this.#round();
      if (this.#failures > 0) this.#options.onProblem(undefined);
      this.#failures = 0;
    } catch (error) {
      if (isLifeboatError(error, 'log.conflict', 'postgres.other-cluster', 'bug')) throw error;
      this.#failures += 1;
      const fact = error instanceof Error ? error.message : String(error);
      this.#options.onProblem(`WAL waits in the spool: ${fact}`);
    }
  }

  async #round(): Promise<void> {
    const { spool, coverage } = this.#options;
    const piecesToo = this.#isTimeForPieces();
    if (!spool.header) return;
    await coverage.claim(spool.header.systemId);
    await this.#uploadHistoryFiles();
    this.learnCoverage();
    for (const segment of [...spool.segments]) {
      if (segment.whole || piecesToo) await this.#uploadSegment(segment);
    }
    await this.#removeDurable();
  }

  /** Pieces are superseded soon, so they go up on the interval only, or when somebody waits. */
  #isTimeForPieces(): boolean {
    const now = performance.now();
    const isDue = now - this.#lastPieceMs >= this.#options.pieceIntervalMs;
    if (!isDue && !this.#urged && !this.#finishing) return false;
    this.#urged = false;
    this.#lastPieceMs = now;
    return true;
  }

  async #uploadSegment(segment: SpoolSegment): Promise<void> {
    const { synced, covered } = segment;
    if (synced <= covered) return;
    const { log, onFlushed } = this.#options;
    const stream = timelineStream(segment.timeline);
    if (synced === segment.end) {
      await log.appendSegment(stream, segment.start, await segment.read(segment.start, synced));
    } else {
      await log.appendPiece(stream, covered, await segment.read(covered, synced));
    }
    segment.covered = lsn(synced);
    this.#hasAppended = true;
    onFlushed();
    // A long backlog gives its space back segment by segment.
    await this.#removeDurable();
  }

  async #removeDurable(): Promise<void> {
    if (this.#abandoned) throw new LifeboatError('cancelled', 'the stream has ended');
    await this.#options.spool.removeDurable();
  }

  async #uploadHistoryFiles(): Promise<void> {
    const { spool, log } = this.#options;
    for (const name of await listHistoryFiles(spool.folder)) {
      if (this.#historyDone.has(name)) continue;
      await log.appendFile(name, await readFile(join(spool.folder, name)));
      this.#historyDone.add(name);
    }
  }

  #pause(): Promise<void> {
    const backoffMs = retryDelayMinMs * 2 ** Math.min(this.#failures - 1, 10);
    const delayMs =
      this.#failures === 0
        ? Math.max(0, this.#lastPieceMs + this.#options.pieceIntervalMs - performance.now())
        : Math.min(backoffMs, retryDelayMaxMs) * (0.75 + Math.random() / 2);
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, delayMs);
      this.#wake = done;
    });
  }
}
