import { isLifeboatError, throwIfAborted } from '../../core/index.ts';
import { endOf } from './catalog.ts';
import type { LogSpan } from './log.ts';
import type { FileEntry, SegmentEntry } from './manifest.ts';
import type { Logs } from './open-logs.ts';
import type { StoredLog } from './stored-log.ts';
import { uncovered } from './uncovered.ts';

export interface CopyLogsOptions {
  readonly from: Logs;
  readonly to: Logs;
  readonly dryRun: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Told of every segment, piece and file that was copied (or would be), with its plain size. */
  readonly onCopied: (bytes: number) => void;
  /** Told how many segments, pieces and files are to be copied. */
  readonly onPlanned: (items: number) => void;
  readonly onProblem: (problem: string) => void;
}

/** No larger than what pieces are merged into. */
const pieceBytes = 4n * 1024n * 1024n;

/**
 * Brings every log of one repository to another: segments and files under the other's keys, bound to the segment before
 * as they were; then the newest part, as pieces. What is there already is not read.
 */
export async function copyLogs(options: CopyLogsOptions): Promise<void> {
  for (const name of await options.from.names(options.signal)) {
    try {
      await copyLog(options, options.from.log(name), options.to.log(name));
    } catch (error) {
      // Another cluster writes to a log of that name there: the other logs are copied all the same.
      if (!isLifeboatError(error, 'log.conflict')) throw error;
      options.onProblem(`log ${name}: ${error.message}`);
    }
  }
}

async function copyLog(options: CopyLogsOptions, from: StoredLog, to: StoredLog): Promise<void> {
  const { signal, dryRun, onCopied, onPlanned } = options;
  const source = await from.inventory(signal);
  const there = await to.inventory(signal);
  const present = new Set([...there.segments, ...there.files].filter(there.isWhole).map(keyOf));
  const isWanted = (entry: SegmentEntry | FileEntry) =>
    !present.has(keyOf(entry)) && ('name' in entry || endOf(entry) > there.floorOf(entry.stream));
  const entries = [...source.files, ...source.segments].filter(isWanted);
  const newest = newestParts(source.spans, source.segments, there.spans);
  onPlanned(entries.length + newest.length);
  if (dryRun) {
    for (const { lengthBytes } of entries) onCopied(lengthBytes);
    for (const { start, end } of newest) onCopied(Number(end - start));
    return;
  }
  await copyEntries(options, from, to, entries);
  for (const { stream, start, end } of newest) {
    throwIfAborted(signal);
    const bytes = await from.read(stream, start, end, signal);
    await to.appendPiece(stream, start, bytes);
    onCopied(bytes.length);
  }
}

/** One after the other, because each segment names the one before; the next is read while one is written. */
async function copyEntries(
  { signal, onCopied, onProblem }: CopyLogsOptions,
  from: StoredLog,
  to: StoredLog,
  entries: readonly (SegmentEntry | FileEntry)[],
): Promise<void> {
  const read = (entry: SegmentEntry | FileEntry | undefined) => {
    const reading = entry && from.readEntry(entry, signal);
    // It may fail before its turn comes; then it is awaited, and thrown, there.
    reading?.catch(() => {});
    return reading;
  };
  const bad = new Map<string, string>();
  const done = new Set<string>();
  let next = read(entries[0]);
  for (const [nth, entry] of entries.entries()) {
    throwIfAborted(signal);
    const current = next;
    next = read(entries[nth + 1]);
    const key = keyOf(entry);
    let bytes: Uint8Array;
    try {
      bytes = (await current) as Uint8Array;
    } catch (error) {
      const isBad = isLifeboatError(error, 'repository.damaged', 'repository.unsupported');
      if (!isBad && !isLifeboatError(error, 'location.file-missing')) throw error;
      bad.set(key, error.message);
      continue;
    }
    // The source may hold it twice.
    if (done.has(key)) continue;
    if ('name' in entry) await to.appendFile(entry.name, bytes);
    else await to.appendSegment(entry.stream, entry.start, bytes);
    done.add(key);
    onCopied(bytes.length);
  }
  for (const [key, problem] of bad) if (!done.has(key)) onProblem(`log ${from.name}: ${problem}`);
}

function keyOf(entry: SegmentEntry | FileEntry): string {
  const place = 'name' in entry ? `file ${entry.name}` : `${entry.stream} ${entry.start}`;
  return `${place} ${entry.content}`;
}

/** What only pieces hold at the source and nothing at the destination, cut into pieces. */
function newestParts(
  spans: readonly LogSpan[],
  segments: readonly SegmentEntry[],
  there: readonly LogSpan[],
): readonly LogSpan[] {
  const whole = segments.map((each) => ({
    stream: each.stream,
    start: each.start,
    end: endOf(each),
  }));
  return spans.flatMap((span) => {
    const held = [...whole, ...there].filter((each) => each.stream === span.stream);
    return uncovered(span, held).flatMap((part) => cut(span.stream, part.start, part.end));
  });
}

function cut(stream: string, start: bigint, end: bigint): readonly LogSpan[] {
  const parts: LogSpan[] = [];
  for (let at = start; at < end; at += pieceBytes) {
    parts.push({ stream, start: at, end: at + pieceBytes < end ? at + pieceBytes : end });
  }
  return parts;
}
