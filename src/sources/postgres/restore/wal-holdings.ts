import { isLifeboatError, LifeboatError, throwIfAborted } from '../../../core/index.ts';
import type { Log, LogSpan, Repository } from '../../../repository/index.ts';
import { formatLsn, segmentName, segmentStart, timelineStream } from '../../../wal/index.ts';
import type { BackupSnapshot } from './backup-snapshot.ts';
import { type TimelinePath, timelineAt } from './timeline-path.ts';

/** What can hand out WAL bytes: the log in the repository, a spool that survived. */
export type WalReaderSource = Pick<Log, 'coverage' | 'read'>;

type Read = (start: bigint, end: bigint, signal?: AbortSignal) => Promise<Uint8Array>;

interface Holding extends LogSpan {
  readonly read: Read;
}

/** All WAL there is of a source, wherever it lies. Earlier holdings are preferred. */
export class WalHoldings {
  readonly #holdings: readonly Holding[];

  private constructor(holdings: readonly Holding[]) {
    this.#holdings = holdings;
  }

  /** The log first, then the spool's newer bytes. */
  static async of(readers: readonly WalReaderSource[], signal?: AbortSignal): Promise<WalHoldings> {
    const holdings: Holding[] = [];
    for (const reader of readers) {
      for (const span of await reader.coverage(signal)) {
        const read: Read = (start, end, stop) => reader.read(span.stream, start, end, stop);
        holdings.push({ ...span, read });
      }
    }
    return new WalHoldings(holdings);
  }

  /** Together with the WAL that a snapshot brings along to be consistent. */
  withSnapshot(repository: Repository, backup: BackupSnapshot): WalHoldings {
    const { info, startLsn, stopLsn, snapshot } = backup;
    const size = info.segmentSizeBytes;
    const read: Read = async (start, end, signal) => {
      const first = segmentStart(start, size);
      const path = `/data/pg_wal/${segmentName(info.timeline, first, size)}`;
      const node = await repository.findNode(snapshot.tree, path);
      if (node === undefined) throw missing(info.timeline, start, size);
      const parts: Uint8Array[] = [];
      const options = signal ? { signal } : {};
      for await (const part of repository.readFileContent(node.content ?? [], options)) {
        parts.push(part);
      }
      return Buffer.concat(parts).subarray(Number(start - first), Number(end - first));
    };
    const stream = timelineStream(info.timeline);
    const own: Holding[] = [];
    // One holding per segment, so that no read crosses the border of a file.
    for (let start = segmentStart(startLsn, size); start < stopLsn; ) {
      const next = segmentStart(start + BigInt(size), size);
      own.push({ stream, start, end: next < stopLsn ? next : stopLsn, read });
      start = next;
    }
    return new WalHoldings([...this.#holdings, ...own]);
  }

  /** Streams that hold anything at all. */
  streams(): ReadonlySet<string> {
    return new Set(this.#holdings.map(({ stream }) => stream));
  }

  /** How far the path is held without a hole from `from` on; `from` itself when that byte is missing. */
  endOnPath(path: TimelinePath, from: bigint, segmentSizeBytes: number): bigint {
    let end = from;
    for (;;) {
      const holding = this.#find(path, end, segmentSizeBytes);
      if (!holding) return end;
      end = holding.until;
    }
  }

  /** True when something of the path lies beyond a hole at `position`. */
  holdsBeyond(path: TimelinePath, position: bigint): boolean {
    return path.some(
      (span) =>
        span.end > position &&
        this.#holdings.some(
          ({ stream, start }) =>
            stream === timelineStream(span.timeline) && start > position && start < span.end,
        ),
    );
  }

  /** Exactly [start, end) of the path; the bytes are the caller's own. A hole is `log.gap`, naming the segment. */
  async readPath(
    path: TimelinePath,
    start: bigint,
    end: bigint,
    segmentSizeBytes: number,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    let bytes: Uint8Array | undefined;
    for (let at = start; at < end; ) {
      throwIfAborted(signal);
      const found = this.#find(path, at, segmentSizeBytes);
      if (!found) throw missing(timelineAt(path, at), at, segmentSizeBytes);
      const until = found.until < end ? found.until : end;
      const part = await found.holding.read(at, until, signal).catch((error) => {
        throw namingSegment(error, segmentName(timelineAt(path, at), at, segmentSizeBytes));
      });
      if (part.length !== Number(until - at)) {
        throw missing(timelineAt(path, at), at + BigInt(part.length), segmentSizeBytes);
      }
      // Usually one part is all.
      if (at === start && until === end) return part;
      bytes ??= new Uint8Array(Number(end - start));
      bytes.set(part, Number(at - start));
      at = until;
    }
    return bytes ?? new Uint8Array(0);
  }

  /**
   * What holds `position`: the timeline that owns it, else a later one of the path whose first segment begins
   * before: PostgreSQL starts a timeline with a copy of the segment it branched off in.
   */
  #find(
    path: TimelinePath,
    position: bigint,
    segmentSizeBytes: number,
  ): { holding: Holding; until: bigint } | undefined {
    for (const span of path) {
      if (position >= span.end) continue;
      if (position < segmentStart(span.begin, segmentSizeBytes)) return undefined;
      const stream = timelineStream(span.timeline);
      const holding = this.#holdings.find(
        (each) => each.stream === stream && each.start <= position && position < each.end,
      );
      if (holding) return { holding, until: holding.end < span.end ? holding.end : span.end };
    }
    return undefined;
  }
}

/** What is lost of a log is told by the segment's name, not only by that of a file in the repository. */
function namingSegment(error: unknown, segment: string): unknown {
  if (!isLifeboatError(error, 'repository.damaged', 'location.file-missing')) return error;
  const { code, message, hint, context } = error;
  return new LifeboatError(code, `segment ${segment} of the log cannot be read: ${message}`, {
    ...(hint === undefined ? {} : { hint }),
    context: { ...context, segment },
    cause: error,
  });
}

function missing(timeline: number, position: bigint, segmentSizeBytes: number): LifeboatError {
  const segment = segmentName(timeline, position, segmentSizeBytes);
  return new LifeboatError(
    'log.gap',
    `the log does not hold ${formatLsn(position)} (segment ${segment})`,
    {
      hint: 'Restore to a moment before the gap, or from a snapshot that was taken after it.',
      context: { lsn: formatLsn(position), segment },
    },
  );
}
