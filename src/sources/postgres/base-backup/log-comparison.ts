import { isLifeboatError, LifeboatError, type Progress } from '../../../core/index.ts';
import { isDamage, type Log, type LogSpan } from '../../../repository/index.ts';
import { formatLsn, parseSegmentName, timelineStream } from '../../../wal/index.ts';
import type { BackupBounds } from './base-backup-stream.ts';

export interface LogComparisonOptions {
  readonly log: Log;
  readonly segmentSizeBytes: number;
  readonly progress: Progress;
  readonly signal?: AbortSignal;
}

/**
 * Compares the WAL of a backup, as it goes by, with what the repository's log holds of the same timeline. A server that
 * was set back to an older state writes other WAL at positions that the log holds already: with that log its backup
 * could not be restored. A log that cannot be read is warned of and proves nothing.
 */
export class LogComparison {
  readonly #options: LogComparisonOptions;
  #spans: readonly LogSpan[] = [];
  /** Where the first byte differs. */
  #difference: bigint | undefined;
  #work: Promise<void> | undefined;
  #warned = false;

  private constructor(options: LogComparisonOptions) {
    this.#options = options;
  }

  /** Looks at what the log holds now: what is appended later comes from the server that is there now. */
  static async begin(options: LogComparisonOptions): Promise<LogComparison> {
    const comparison = new LogComparison(options);
    await comparison.#trying(async () => {
      comparison.#spans = await options.log.coverage(options.signal);
    });
    return comparison;
  }

  /** Bytes of the segment `name` from `offset` on. Valid until return. */
  add(name: string, offset: number, bytes: Uint8Array): void {
    const segment = parseSegmentName(name, this.#options.segmentSizeBytes);
    if (!segment) return;
    const stream = timelineStream(segment.timeline);
    const first = segment.start + BigInt(offset);
    for (const span of this.#spans) {
      if (span.stream !== stream) continue;
      const from = Math.max(0, Number(span.start - first));
      const to = Math.min(bytes.length, Number(span.end - first));
      if (from >= to) continue;
      // Not slice: of a Buffer that is a view.
      const copy = new Uint8Array(bytes.subarray(from, to));
      this.#enqueue(stream, first + BigInt(from), copy);
    }
  }

  /** Undefined when all that was added is compared. To be awaited before more is added: that bounds the memory. */
  room(): Promise<void> | undefined {
    return this.#work;
  }

  /** Rejects with `log.conflict` when the log holds other bytes before `stop`; behind it they say nothing of this backup. */
  async requireAgreement(stop: BackupBounds): Promise<void> {
    await this.#work;
    const at = this.#difference;
    if (at === undefined || at >= stop.lsn) return;
    throw new LifeboatError(
      'log.conflict',
      `the server's log differs from the one in the repository at ${formatLsn(at)}: it was set back to an older state`,
      {
        hint: 'Nothing was published. Give the server a source name of its own and take a base backup under that.',
        context: { log: this.#options.log.name, position: formatLsn(at) },
      },
    );
  }

  #enqueue(stream: string, start: bigint, bytes: Uint8Array): void {
    const work = (this.#work ?? Promise.resolve())
      .then(() => this.#trying(() => this.#compare(stream, start, bytes)))
      .finally(() => {
        if (this.#work === work) this.#work = undefined;
      });
    this.#work = work;
  }

  async #compare(stream: string, start: bigint, bytes: Uint8Array): Promise<void> {
    if (this.#difference !== undefined && this.#difference <= start) return;
    const { log, signal } = this.#options;
    const held = await log.read(stream, start, start + BigInt(bytes.length), signal);
    if (Buffer.from(held.buffer, held.byteOffset, held.length).equals(bytes)) return;
    this.#difference = start + BigInt(bytes.findIndex((byte, index) => byte !== held[index]));
  }

  async #trying(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!isLifeboatError(error) || error.code === 'bug') throw error;
      // Damage is of one place; what cannot be reached is not waited for again and again.
      if (!isDamage(error)) this.#spans = [];
      if (this.#warned || this.#options.signal?.aborted) return;
      this.#warned = true;
      this.#options.progress({
        type: 'warning',
        message: `the WAL of the backup could not be compared with the log in the repository: ${error.message}`,
        hint: 'The backup goes on. Whether the repository is whole, `lifeboat check` tells.',
      });
    }
  }
}
