import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LifeboatError } from '../../../core/index.ts';
import { formatLsn, type Lsn, lsn, segmentStart } from '../../../wal/index.ts';
import { listHistoryFiles, listSegments, readHeader, type SpoolFile } from './spool-folder.ts';

export interface SpoolSpan {
  readonly timeline: number;
  readonly start: Lsn;
  /** Exclusive. After a crash the newest bytes before it may be torn; PostgreSQL's checksums find the true end. */
  readonly end: Lsn;
}

/** What a spool holds, for a restore on this host: everything that was reported as written. */
export interface SpoolReader {
  readonly systemId: string;
  readonly segmentSizeBytes: number;
  /** Unbroken spans, by timeline and position. Looks at the folder again. */
  spans(): Promise<readonly SpoolSpan[]>;
  /** Exactly [start, end); anything missing is `log.gap`. */
  read(timeline: number, start: bigint, end: bigint): Promise<Uint8Array>;
  /** Timeline history files (`00000002.history`). */
  historyFileNames(): Promise<readonly string[]>;
  readHistoryFile(name: string): Promise<Uint8Array>;
}

/** Undefined when there is no spool in the folder. Takes no lock: a streamer may be at work, which removes what the repository
 * has. */
export async function readSpool(folder: string): Promise<SpoolReader | undefined> {
  const header = await readHeader(folder);
  if (!header) return undefined;
  const { systemId, segmentSizeBytes } = header;
  const list = () => listSegments(folder, segmentSizeBytes);
  return {
    systemId,
    segmentSizeBytes,
    spans: async () => joinSpans(await list()),
    read: async (timeline, start, end) => {
      const files = (await list()).filter((file) => file.timeline === timeline);
      return readRange(files, segmentSizeBytes, start, end);
    },
    historyFileNames: () => listHistoryFiles(folder),
    readHistoryFile: async (name) => {
      if ((await listHistoryFiles(folder)).includes(name)) return readFile(join(folder, name));
      throw new LifeboatError('log.gap', `the spool does not hold ${name}`);
    },
  };
}

function joinSpans(files: readonly SpoolFile[]): readonly SpoolSpan[] {
  const spans: SpoolSpan[] = [];
  for (const { timeline, start, lengthBytes } of files) {
    if (lengthBytes === 0) continue;
    const end = lsn(start + BigInt(lengthBytes));
    const last = spans.at(-1);
    if (last && last.timeline === timeline && last.end === start) {
      spans[spans.length - 1] = { ...last, end };
    } else spans.push({ timeline, start, end });
  }
  return spans;
}

async function readRange(
  files: readonly SpoolFile[],
  segmentSizeBytes: number,
  start: bigint,
  end: bigint,
): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafe(Number(end - start));
  for (let position = start; position < end; ) {
    const fileStart = segmentStart(position, segmentSizeBytes);
    const file = files.find((each) => each.start === fileStart);
    const segmentEnd = fileStart + BigInt(segmentSizeBytes);
    const partEnd = end < segmentEnd ? end : segmentEnd;
    if (!file || fileStart + BigInt(file.lengthBytes) < partEnd) throw gap(position, file);
    const into = bytes.subarray(Number(position - start), Number(partEnd - start));
    await readFully(file, into, Number(position - fileStart));
    position = partEnd;
  }
  return bytes;
}

async function readFully(file: SpoolFile, into: Uint8Array, offset: number): Promise<void> {
  const handle = await open(file.path, 'r').catch(() => {
    throw gap(file.start + BigInt(offset));
  });
  try {
    for (let done = 0; done < into.length; ) {
      const { bytesRead } = await handle.read(into, done, into.length - done, offset + done);
      if (bytesRead === 0) throw gap(file.start + BigInt(offset + done));
      done += bytesRead;
    }
  } finally {
    await handle.close();
  }
}

function gap(position: bigint, file?: SpoolFile): LifeboatError {
  const end = file ? file.start + BigInt(file.lengthBytes) : position;
  const missing = end > position ? end : position;
  return new LifeboatError('log.gap', `the spool holds nothing at ${formatLsn(missing)}`, {
    context: { position: formatLsn(missing) },
  });
}
