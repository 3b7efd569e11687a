import type { LogSpan } from './log.ts';
import type { FileEntry, Manifest, SegmentEntry } from './manifest.ts';

/** A piece in `locks/`. */
export interface PieceEntry {
  readonly stream: string;
  readonly start: bigint;
  readonly lengthBytes: number;
  readonly level: number;
  readonly file: string;
  readonly content: string;
}

/** Anything stored that holds bytes of a stream. */
export type StoredSpan = SegmentEntry | PieceEntry;

export function endOf(span: StoredSpan): bigint {
  return span.start + BigInt(span.lengthBytes);
}

/** What is known, in memory, of one log in the repository. Adding something twice changes nothing. */
export class Catalog {
  /** Manifests in `locks/` and in `index/`, by file name. */
  readonly fresh = new Map<string, Manifest>();
  readonly consolidated = new Map<string, Manifest>();
  readonly pieces = new Map<string, PieceEntry>();
  readonly #segments = new Map<string, { sorted: SegmentEntry[]; longestBytes: bigint }>();
  readonly #files = new Map<string, FileEntry[]>();
  readonly #known = new Set<string>();
  readonly #floors = new Map<string, bigint>();

  addManifest(manifest: Manifest): void {
    for (const [stream, position] of manifest.floors ?? []) this.#raiseFloor(stream, position);
    for (const entry of manifest.segments) this.#addSegment(entry);
    for (const entry of manifest.files) {
      if (!this.#isNew(`${entry.file} ${entry.name}`)) continue;
      this.#files.set(entry.name, [...(this.#files.get(entry.name) ?? []), entry]);
    }
  }

  /** What ends here or before was given up on purpose. */
  floorOf(stream: string): bigint {
    return this.#floors.get(stream) ?? 0n;
  }

  get floors(): ReadonlyMap<string, bigint> {
    return this.#floors;
  }

  streams(): readonly string[] {
    return [...this.#segments.keys()];
  }

  /** Several when the same file was stored more than once. */
  filesNamed(name: string): readonly FileEntry[] {
    return this.#files.get(name) ?? [];
  }

  fileNames(): readonly string[] {
    return [...this.#files.keys()].sort();
  }

  segments(): readonly SegmentEntry[] {
    return [...this.#segments.values()].flatMap((each) => each.sorted);
  }

  files(): readonly FileEntry[] {
    return [...this.#files.values()].flat();
  }

  segmentsOverlapping(stream: string, start: bigint, end: bigint): SegmentEntry[] {
    const all = this.#segments.get(stream);
    if (all === undefined) return [];
    const found: SegmentEntry[] = [];
    for (let at = firstAfter(all.sorted, start - all.longestBytes); ; at++) {
      const entry = all.sorted[at];
      if (entry === undefined || entry.start >= end) return found;
      if (endOf(entry) > start) found.push(entry);
    }
  }

  piecesOverlapping(stream: string, start: bigint, end: bigint): PieceEntry[] {
    return [...this.pieces.values()].filter(
      (each) => each.stream === stream && each.start < end && endOf(each) > start,
    );
  }

  /** Unbroken spans of segments and pieces, by stream and position. */
  spans(): LogSpan[] {
    const byStream = new Map<string, StoredSpan[]>();
    for (const entry of [...this.segments(), ...this.pieces.values()]) {
      const stream = byStream.get(entry.stream);
      if (stream === undefined) byStream.set(entry.stream, [entry]);
      else stream.push(entry);
    }
    return [...byStream.keys()].sort().flatMap((stream) => join(stream, byStream.get(stream)!));
  }

  /** A file and its place together: a manifest that names the wrong place must not hide the right one. */
  #isNew(entry: string): boolean {
    if (this.#known.has(entry)) return false;
    this.#known.add(entry);
    return true;
  }

  #raiseFloor(stream: string, position: bigint): void {
    if (position <= this.floorOf(stream)) return;
    this.#floors.set(stream, position);
    const all = this.#segments.get(stream);
    if (all !== undefined) all.sorted = all.sorted.filter((each) => endOf(each) > position);
  }

  #addSegment(entry: SegmentEntry): void {
    if (endOf(entry) <= this.floorOf(entry.stream)) return;
    if (!this.#isNew(`${entry.file} ${entry.stream} ${entry.start}`)) return;
    const all = this.#segments.get(entry.stream) ?? { sorted: [], longestBytes: 0n };
    all.sorted.splice(firstAfter(all.sorted, entry.start), 0, entry);
    const lengthBytes = BigInt(entry.lengthBytes);
    if (lengthBytes > all.longestBytes) all.longestBytes = lengthBytes;
    this.#segments.set(entry.stream, all);
  }
}

/** Index of the first entry that starts after `position`. */
function firstAfter(sorted: readonly SegmentEntry[], position: bigint): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]!.start > position) high = middle;
    else low = middle + 1;
  }
  return low;
}

function join(stream: string, entries: StoredSpan[]): LogSpan[] {
  entries.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  const spans: { stream: string; start: bigint; end: bigint }[] = [];
  for (const entry of entries) {
    const last = spans.at(-1);
    const end = endOf(entry);
    if (last === undefined || entry.start > last.end) {
      spans.push({ stream, start: entry.start, end });
    } else if (end > last.end) last.end = end;
  }
  return spans;
}
