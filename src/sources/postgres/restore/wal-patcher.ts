import { segmentStart, WalReader } from '../../../wal/index.ts';
import type { Reach } from './recovery-plan.ts';
import { patchesAgainstTablespace, positionOf, type WalPatch } from './tablespace-records.ts';

const tablespaceManager = 5;
const managerOffset = 17;

/**
 * Hands out whole segments of a recovery's path, zero-padded behind the end of the log, with every CREATE TABLESPACE
 * record made harmless. Reads all records once, in order, whatever order segments are asked for in. What our
 * reader cannot read is not handed out: the server never sees a record that was not looked at.
 */
export class WalPatcher {
  readonly #reach: Reach;
  readonly #segmentBytes: number;
  readonly #patches = new Map<bigint, WalPatch[]>();
  readonly #reader: WalReader;
  /** Up to where bytes were given to the reader. */
  #pushed: bigint;
  #patchedRecords = 0;

  constructor(reach: Reach) {
    const { segmentSizeBytes } = reach.backup.info;
    this.#reach = reach;
    this.#segmentBytes = segmentSizeBytes;
    this.#pushed = segmentStart(reach.backup.startLsn, segmentSizeBytes);
    this.#reader = new WalReader({ startLsn: this.#pushed, segmentSizeBytes });
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

  /** The whole segment to replay, out of what `read` gave; undefined when no readable record reaches into it. */
  async finish(
    start: bigint,
    stored: Uint8Array,
    signal?: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    await this.#readTo(start, signal);
    this.#push(start, stored);
    const end = start + BigInt(stored.length);
    if (this.#pushed === end && this.#isCutOffTablespace(start, stored)) {
      // Its checksum lies in this segment and depends on the next one.
      await this.#readTo(end + BigInt(this.#segmentBytes), signal);
    }
    const readable = this.#readable(end);
    if (readable <= start) return undefined;
    const segment = new Uint8Array(this.#segmentBytes);
    segment.set(stored.subarray(0, Number(readable - start)));
    for (const { position, value } of this.#patches.get(start) ?? []) {
      segment[position - Number(start)] = value;
    }
    return segment;
  }

  /** Reads the records before `position` that were not read yet. */
  async #readTo(position: bigint, signal?: AbortSignal): Promise<void> {
    while (this.#pushed < position && this.#pushed < this.#reach.end) {
      this.#push(this.#pushed, await this.read(this.#pushed, signal));
    }
  }

  #push(start: bigint, stored: Uint8Array): void {
    if (this.#pushed !== start || stored.length === 0) return;
    this.#pushed = start + BigInt(stored.length);
    if (this.#reader.ended) return;
    for (const record of this.#reader.read(stored)) {
      const patches = patchesAgainstTablespace(record, this.#segmentBytes);
      if (patches.length > 0) this.#patchedRecords += 1;
      for (const patch of patches) this.#keep(patch);
    }
  }

  #keep(patch: WalPatch): void {
    const segment = segmentStart(BigInt(patch.position), this.#segmentBytes);
    const known = this.#patches.get(segment);
    if (known) known.push(patch);
    else this.#patches.set(segment, [patch]);
  }

  /** True when the record at the end of the segment goes on in the next one and is, or may be, of a tablespace. */
  #isCutOffTablespace(start: bigint, stored: Uint8Array): boolean {
    const begin = Number(this.#reader.reachedLsn);
    const at = positionOf(begin, managerOffset, this.#segmentBytes) - Number(start);
    return at >= stored.length || stored[at] === tablespaceManager;
  }

  /** How far the bytes up to `end` are good to be replayed. */
  #readable(end: bigint): bigint {
    const reached = this.#reader.reachedLsn;
    return this.#reader.ended && reached < end ? reached : end;
  }

  #endOf(start: bigint): bigint {
    const end = segmentStart(start, this.#segmentBytes) + BigInt(this.#segmentBytes);
    return end < this.#reach.end ? end : this.#reach.end;
  }
}
