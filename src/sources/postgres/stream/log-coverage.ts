import { LifeboatError } from '../../../core/index.ts';
import type { Log, LogSpan } from '../../../repository/index.ts';
import { segmentStart, timelineStream } from '../../../wal/index.ts';
import { givenUpTimelines } from './given-up.ts';
import { isLater, type WalPosition } from './wal-position.ts';

/** Names the cluster that a log belongs to: `{"systemId":"..."}`. */
const clusterFileName = 'cluster.json';

/** What the log held when the streamer came to it. Asked once; a failure is asked again the next time. */
export class LogCoverage {
  readonly #log: Log;
  #loading: Promise<void> | undefined;
  #spans: readonly LogSpan[] | undefined;
  #systemId: string | undefined;
  #givenUp: ReadonlySet<number> = new Set();

  constructor(log: Log) {
    this.#log = log;
  }

  get isKnown(): boolean {
    return this.#spans !== undefined;
  }

  /** Of WAL. */
  get isEmpty(): boolean {
    return !this.#spans?.some(({ stream }) => isTimeline(stream));
  }

  async load(): Promise<void> {
    if (this.isKnown) return;
    this.#loading ??= this.#ask().finally(() => {
      this.#loading = undefined;
    });
    await this.#loading;
  }

  /** Whether the cluster left a timeline for good, as far as the log could be asked. */
  readonly isGivenUp = (timeline: number): boolean => this.#givenUp.has(timeline);

  /** Asks again what was given up: that may have been done since. Errors: those of the repository. */
  async learnGivenUp(): Promise<void> {
    await this.load();
    this.#givenUp = await givenUpTimelines(this.#log);
  }

  /** Refuses a log of another cluster; marks one that is new. */
  async claim(systemId: string): Promise<void> {
    await this.load();
    if (this.#systemId === undefined) {
      await this.#log.appendFile(clusterFileName, Buffer.from(JSON.stringify({ systemId })));
      this.#systemId = systemId;
    }
    this.refuseOther(systemId);
  }

  refuseOther(systemId: string): void {
    if (this.#systemId === undefined || this.#systemId === systemId) return;
    throw new LifeboatError(
      'postgres.other-cluster',
      `the log ${this.#log.name} belongs to the cluster ${this.#systemId}, the server is ${systemId}`,
      { hint: 'Give the new cluster a source name of its own.' },
    );
  }

  /** A timeline history file of the log; undefined while the log cannot be asked. */
  async historyFile(name: string): Promise<Uint8Array | undefined> {
    return this.isKnown ? await this.#log.readFile(name) : undefined;
  }

  /** How far the log holds WAL without a gap from `position` on; `position` itself when it holds none there. */
  endFrom({ timeline, start }: WalPosition): bigint {
    const stream = timelineStream(timeline);
    const span = this.#spans?.find(
      (each) => each.stream === stream && each.start <= start && start < each.end,
    );
    return span?.end ?? start;
  }

  /** Start of the segment in which the log ends, on a timeline that was not given up. */
  continuation(segmentSizeBytes: number): WalPosition | undefined {
    let last: WalPosition | undefined;
    for (const { stream, end } of this.#spans ?? []) {
      if (!isTimeline(stream)) continue;
      const start = segmentStart(end, segmentSizeBytes);
      const position = { timeline: Number.parseInt(stream, 16), start };
      if (this.isGivenUp(position.timeline)) continue;
      if (!last || isLater(position, last)) last = position;
    }
    return last;
  }

  async #ask(): Promise<void> {
    const bytes = await this.#log.readFile(clusterFileName);
    if (bytes) {
      this.#systemId = (JSON.parse(Buffer.from(bytes).toString()) as { systemId: string }).systemId;
    }
    this.#givenUp = await givenUpTimelines(this.#log);
    this.#spans = await this.#log.coverage();
  }
}

function isTimeline(stream: string): boolean {
  return /^[0-9A-F]{8}$/.test(stream);
}
