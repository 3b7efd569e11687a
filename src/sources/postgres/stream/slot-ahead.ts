import { type Lsn, lsn, segmentStart } from '../../../wal/index.ts';
import { later, type WalPosition } from './wal-position.ts';

/**
 * How far the slot was let go although the repository has less. This outlives a connection: a slot that is set back names WAL that
 * the server may have removed, and is lost.
 */
export class SlotAhead {
  #to: WalPosition | undefined;
  #timeline = 0;

  /** The slot may go as far as this. */
  follow(position: WalPosition): void {
    this.#to = later(this.#to, position);
  }

  /** A connection begins to stream at `position`. */
  begin(position: WalPosition, segmentSizeBytes: number): void {
    this.#timeline = position.timeline;
    const to = this.#to;
    if (!to || to.timeline === position.timeline) return;
    // The server's history left ours before that: its slot cannot have been there.
    if (position.start < segmentStart(to.start, segmentSizeBytes)) this.#to = undefined;
  }

  /** What the server hears as flushed. 0 is no news: until more is there again, its slot stays where it is. */
  told(flushed: Lsn, written: Lsn): Lsn {
    const to = this.#to;
    if (!to || flushed >= to.start) return flushed;
    const isThere = to.timeline === this.#timeline && written >= to.start;
    return isThere ? to.start : lsn(0n);
  }

  isBeyond(flushed: Lsn): boolean {
    return this.#to !== undefined && this.#to.start > flushed;
  }
}
