/**
 * A log: the continuous record of a source's changes, as segments found by position. A `stream` is
 * what must not be mixed (for PostgreSQL: the timeline, as 8 hex digits). Positions are bytes (LSNs).
 * Appending takes no restic lock. Nothing is ever overwritten.
 */
export interface Log {
  readonly name: string;
  /** One whole segment. Durable and found by `coverage` and `read` when it resolves; from then on pieces inside it are
   * dropped. The same bytes again are harmless; other bytes are `log.conflict`. */
  appendSegment(stream: string, start: bigint, bytes: Uint8Array): Promise<void>;
  /** The newest part of a segment that is not whole yet. Pieces are small, durable when it resolves,
   * and superseded by their segment. Pieces may overlap; the same position always holds the same byte. */
  appendPiece(stream: string, start: bigint, bytes: Uint8Array): Promise<void>;
  /** A small named file of the log (a timeline's history). Same rules as a segment. */
  appendFile(name: string, bytes: Uint8Array): Promise<void>;
  readFile(name: string): Promise<Uint8Array | undefined>;
  fileNames(): Promise<readonly string[]>;
  /** Unbroken spans, oldest first, of segments and pieces together. Looks at the repository again. */
  coverage(signal?: AbortSignal): Promise<readonly LogSpan[]>;
  /**
   * Exactly [start, end); the bytes are the caller's own. Anything missing is `log.gap` with the first missing position. `room` is given
   * away with its whole buffer: the bytes may come back in it, which spares the memory of a segment for each one.
   */
  read(
    stream: string,
    start: bigint,
    end: bigint,
    signal?: AbortSignal,
    room?: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array>;
}

export interface LogSpan {
  readonly stream: string;
  readonly start: bigint;
  /** Exclusive. */
  readonly end: bigint;
}
