import { segmentStart } from '../../../wal/index.ts';
import type { Reach } from './reaches.ts';
import { RecordWalk } from './record-walk.ts';
import {
  patchesAgainstTablespace,
  tablespaceManager,
  type WalPatch,
} from './tablespace-records.ts';

/**
 * Hands out whole segments of a recovery's path, zero-padded behind the end of the log, with every CREATE TABLESPACE
 * record made harmless. Walks all records once, in order, whatever order segments are asked for in. What
 * the walk does not reach is not handed out: the server never sees a record that was not passed.
 */
export class WalPatcher {
  readonly #reach: Reach;
  readonly #readAhead: (start: bigint) => Promise<Uint8Array> | undefined;
  readonly #segmentBytes: number;
  readonly #patches = new Map<bigint, WalPatch[]>();
  readonly #walk: RecordWalk;
  /** Up to where bytes were given to the walk. */
  #pushed: bigint;
  #patchedRecords = 0;

  /** `readAhead`: what `read` gave for a segment, if somebody has asked for it already. */
  constructor(reach: Reach, readAhead: (start: bigint) => Promise<Uint8Array> | undefined) {
    const { segmentSizeBytes } = reach.backup.info;
    this.#reach = reach;
    this.#readAhead = readAhead;
    this.#segmentBytes = segmentSizeBytes;
    this.#pushed = segmentStart(reach.backup.startLsn, segmentSizeBytes);
    this.#walk = new RecordWalk({
      start: this.#pushed,
      segmentSizeBytes,
      manager: tablespaceManager,
      onFound: (record) => {
        const patches = patchesAgainstTablespace(record, segmentSizeBytes);
        if (patches.length > 0) this.#patchedRecords += 1;
        for (const patch of patches) this.#keep(patch);
      },
    });
  }

  /** How many records were changed so far. */
  get patchedRecords(): number {
    return this.#patchedRecords;
  }

  /** The bytes there are of the segment, as they are stored. */
  async read(start: bigint, signal?: AbortSignal): Promise<Uint8Array> {
    const { holdings, path } = this.#reach;
    return await holdings.readPath(path, start, this.#endOf(start), this.#segmentBytes, signal);
  }

  /** The whole segment to replay, out of what `read` gave, which is given away; undefined when no readable record
   * reaches into it. */
  async finish(
    start: bigint,
    stored: Uint8Array,
    signal?: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    await this.#readTo(start, signal);
    this.#push(start, stored);
    const end = start + BigInt(stored.length);
    if (this.#pushed === end && this.#walk.awaitsMore) {
      // Its checksum lies in this segment and depends on the next one.
      await this.#readTo(end + BigInt(this.#segmentBytes), signal);
    }
    const readable = this.#readable(end);
    if (readable <= start) return undefined;
    let segment = stored;
    if (readable < start + BigInt(this.#segmentBytes)) {
      segment = new Uint8Array(this.#segmentBytes);
      segment.set(stored.subarray(0, Number(readable - start)));
    }
    for (const { position, value } of this.#patches.get(start) ?? []) {
      segment[position - Number(start)] = value;
    }
    return segment;
  }

  /** Reads the records before `position` that were not read yet. */
  async #readTo(position: bigint, signal?: AbortSignal): Promise<void> {
    while (this.#pushed < position && this.#pushed < this.#reach.end) {
      const stored = this.#readAhead(this.#pushed) ?? this.read(this.#pushed, signal);
      this.#push(this.#pushed, await stored);
    }
  }

  #push(start: bigint, stored: Uint8Array): void {
    if (this.#pushed !== start || stored.length === 0) return;
    this.#pushed = start + BigInt(stored.length);
    this.#walk.feed(stored);
  }

  #keep(patch: WalPatch): void {
    const segment = segmentStart(BigInt(patch.position), this.#segmentBytes);
    const known = this.#patches.get(segment);
    if (known) known.push(patch);
    else this.#patches.set(segment, [patch]);
  }

  /** How far the bytes up to `end` are good to be replayed. */
  #readable(end: bigint): bigint {
    const { endedAt } = this.#walk;
    return endedAt !== undefined && endedAt < end ? BigInt(endedAt) : end;
  }

  #endOf(start: bigint): bigint {
    const end = segmentStart(start, this.#segmentBytes) + BigInt(this.#segmentBytes);
    return end < this.#reach.end ? end : this.#reach.end;
  }
}
