import { LifeboatError, throwIfAborted } from '../../../core/index.ts';
import type { Log, LogSpan } from '../../../repository/index.ts';
import { formatLsn, parseSegmentName, segmentName, timelineStream } from '../../../wal/index.ts';
import { givenUpTimelines } from '../stream/given-up.ts';
import { parseArchiveName } from './archive-name.ts';
import { longHeaderBytes, readSegmentHeader } from './segment-header.ts';

/** How much is to lie ready, whatever the size of segments. */
const aheadBytesMax = 128 * 2 ** 20;

/** Reads out of the log what a server asks for by name. */
export class LogFetcher {
  readonly #log: Log;
  readonly #signal: AbortSignal;
  #spans: readonly LogSpan[] = [];
  #segmentSizeBytes: number | undefined;
  #learning: Promise<void> | undefined;

  /** After `signal` nothing is learnt any more. */
  constructor(log: Log, signal: AbortSignal) {
    this.#log = log;
    this.#signal = signal;
  }

  /**
   * A file of WAL, or undefined when there is none of that name. The newest segment is filled up with zeroes, as the server itself does.
   * Errors: `log.gap` when the log goes on behind what is missing: an answer of "no such file" would end a recovery there. `room`: see
   * `Log.read`.
   */
  async read(
    name: string,
    signal?: AbortSignal,
    room?: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array | undefined> {
    const kind = parseArchiveName(name)?.kind;
    if (kind === undefined) return undefined;
    // A server that goes to the newest timeline must not find one that the cluster left for good.
    if (kind === 'history' && (await this.#isGivenUp(name))) return undefined;
    if (kind !== 'segment') return await this.#log.readFile(name);
    const known = await this.#readWhole(name, signal, room);
    if (known !== undefined) return known;
    // Others append meanwhile.
    this.#spans = await this.#log.coverage(signal);
    return (await this.#readWhole(name, signal)) ?? (await this.#readNewest(name, signal));
  }

  async #isGivenUp(history: string): Promise<boolean> {
    return (await givenUpTimelines(this.#log)).has(Number.parseInt(history.slice(0, 8), 16));
  }

  /** As `read`, but only what is whole and known to be there. */
  async #readWhole(
    name: string,
    signal?: AbortSignal,
    room?: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array | undefined> {
    const place = await this.#placeOf(name);
    const span = place && this.#spanAt(place.stream, place.start);
    if (place === undefined || span === undefined || span.end < place.end) return undefined;
    return await this.#log.read(place.stream, place.start, place.end, signal, room);
  }

  /** The segments that follow, as far as they are whole. */
  async following(name: string, count: number): Promise<readonly string[]> {
    const place = await this.#placeOf(name);
    const size = this.#segmentSizeBytes;
    const span = place && this.#spanAt(place.stream, place.start);
    if (place === undefined || span === undefined || size === undefined) return [];
    const most = Math.min(count, Math.floor(aheadBytesMax / size));
    const names: string[] = [];
    for (let at = place.end; names.length < most && at + BigInt(size) <= span.end; ) {
      names.push(segmentName(Number.parseInt(place.stream, 16), at, size));
      at += BigInt(size);
    }
    return names;
  }

  async #readNewest(name: string, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    const place = await this.#placeOf(name);
    if (place === undefined) return undefined;
    const { stream, start, end } = place;
    const span = this.#spanAt(stream, start);
    const own = this.#spans.filter((each) => each.stream === stream);
    // Before its first position a timeline has nothing: the server looks for the one it came from.
    const isBehind = own.some((each) => each.end <= start || each === span);
    const beyond = own.find((each) => each.start > start);
    if (isBehind && beyond !== undefined) {
      const at = span?.end ?? start;
      throw new LifeboatError(
        'log.gap',
        `the log does not hold ${formatLsn(at)} (segment ${name})`,
        {
          hint: 'The log goes on behind the gap. Restore from a snapshot that was taken after it.',
          context: { lsn: formatLsn(at), segment: name },
        },
      );
    }
    if (span === undefined) return undefined;
    const held = await this.#log.read(stream, start, span.end, signal);
    const segment = new Uint8Array(Number(end - start));
    segment.set(held);
    return segment;
  }

  async #placeOf(name: string) {
    const size = await this.#segmentSize();
    const position = size === undefined ? undefined : parseSegmentName(name, size);
    if (position === undefined || size === undefined) return undefined;
    const { timeline, start } = position;
    return { stream: timelineStream(timeline), start, end: start + BigInt(size) };
  }

  #spanAt(stream: string, position: bigint): LogSpan | undefined {
    return this.#spans.find(
      (each) => each.stream === stream && each.start <= position && position < each.end,
    );
  }

  /** What the first segment would have to wait for. */
  learn(): Promise<void> {
    this.#learning ??= this.#learn().finally(() => {
      this.#learning = undefined;
    });
    return this.#learning;
  }

  async #segmentSize(): Promise<number | undefined> {
    if (this.#segmentSizeBytes === undefined) await this.learn();
    return this.#segmentSizeBytes;
  }

  /** Every span begins with a segment, which says it. */
  async #learn(): Promise<void> {
    throwIfAborted(this.#signal);
    if (this.#spans.length === 0) this.#spans = await this.#log.coverage(this.#signal);
    for (const { stream, start, end } of this.#spans) {
      const until = start + BigInt(longHeaderBytes);
      if (!/^[0-9A-F]{8}$/.test(stream) || until > end) continue;
      const header = readSegmentHeader(await this.#log.read(stream, start, until, this.#signal));
      if (header === undefined) continue;
      this.#segmentSizeBytes = header.segmentSizeBytes;
      return;
    }
  }
}
