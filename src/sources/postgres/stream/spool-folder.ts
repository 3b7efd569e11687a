import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, LifeboatError, syncFolder, writeFileDurably } from '../../../core/index.ts';
import { type Lsn, parseLsn, parseSegmentName, timelineStream } from '../../../wal/index.ts';

/** What a spool belongs to; written once, before its first byte of WAL. Layout: docs/formats/spool.md. */
export interface SpoolHeader {
  readonly format: 1;
  /** Decimal. */
  readonly systemId: string;
  readonly segmentSizeBytes: number;
  /** Set when WAL before it was given up (the slot was lost): the stream goes on there, not at the spool's end. */
  readonly continueAt?: { readonly timeline: number; readonly lsn: string };
}

export interface SpoolFile {
  readonly timeline: number;
  readonly start: Lsn;
  readonly path: string;
  readonly lengthBytes: number;
}

const headerName = 'spool.json';

export async function readHeader(folder: string): Promise<SpoolHeader | undefined> {
  let text: string;
  try {
    text = await readFile(join(folder, headerName), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fileError(error, `could not read the spool ${folder}`);
  }
  return parseHeader(text, folder);
}

export async function writeHeader(folder: string, header: SpoolHeader): Promise<void> {
  await writeFileDurably(join(folder, headerName), `${JSON.stringify(header)}\n`);
}

/** Ordered by timeline, then position: the order in which the bytes were received. */
export async function listSegments(
  folder: string,
  segmentSizeBytes: number,
): Promise<readonly SpoolFile[]> {
  const files: SpoolFile[] = [];
  for (const timelineName of await readdir(folder)) {
    if (!/^[0-9A-F]{8}$/.test(timelineName)) continue;
    for (const name of await readdir(join(folder, timelineName))) {
      const position = parseSegmentName(name, segmentSizeBytes);
      if (!position || timelineStream(position.timeline) !== timelineName) continue;
      const path = join(folder, timelineName, name);
      const lengthBytes = await lengthOf(path);
      if (lengthBytes === undefined) continue;
      if (lengthBytes > segmentSizeBytes) throw damaged(folder, `${name} is longer than a segment`);
      files.push({ ...position, path, lengthBytes });
    }
  }
  return files.sort((a, b) => a.timeline - b.timeline || (a.start < b.start ? -1 : 1));
}

/** Names of the timeline history files that were spooled. */
export async function listHistoryFiles(folder: string): Promise<readonly string[]> {
  return (await readdir(folder)).filter((name) => /^[0-9A-F]{8}\.history$/.test(name)).sort();
}

/** Makes the folder of a timeline, durably. */
export async function makeTimelineFolder(folder: string, timeline: number): Promise<string> {
  const path = join(folder, timelineStream(timeline));
  await mkdir(path, { recursive: true, mode: 0o700 });
  await syncFolder(folder);
  return path;
}

/** Undefined when the streamer removed the file in the meantime. */
async function lengthOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fileError(error, `could not read ${path}`);
  }
}

function parseHeader(text: string, folder: string): SpoolHeader {
  try {
    const header = JSON.parse(text) as SpoolHeader;
    const { format, systemId, segmentSizeBytes, continueAt } = header;
    const sizeFits = Number.isInteger(Math.log2(segmentSizeBytes)) && segmentSizeBytes >= 2 ** 20;
    if (continueAt) parseLsn(continueAt.lsn);
    if (format === 1 && /^\d{1,20}$/.test(systemId) && sizeFits && segmentSizeBytes <= 2 ** 30) {
      return header;
    }
  } catch {
    // Told below: whatever it is, it is not a header.
  }
  throw damaged(folder, `${headerName} does not parse`);
}

function damaged(folder: string, fact: string): LifeboatError {
  return new LifeboatError('spool.damaged', `the spool ${folder} is damaged: ${fact}`, {
    hint: 'Move the folder away and start again: streaming goes on from what the repository holds.',
  });
}
