import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileError, isLifeboatError, LifeboatError } from '../../../core/index.ts';
import type { Log } from '../../../repository/index.ts';
import { timelineStream, WalReader } from '../../../wal/index.ts';
import { LogCoverage } from '../stream/log-coverage.ts';
import { parseArchiveName } from './archive-name.ts';
import type { ArchiveRequest } from './archive-request.ts';
import { KnownTimelines } from './known-timelines.ts';
import { checkSegment } from './segment-header.ts';
import { type Owner, openTrusted } from './trusted-folder.ts';

/** Segments that are stored before the server asks for them: it hands over one at a time. */
const segmentsAhead = 3;
/** Of large segments one at a time is enough, and all that should be in memory. */
const aheadBytesMax = 64 * 2 ** 20;
const segmentBytesMax = 2 ** 30;
const smallBytesMax = 2 ** 20;
/** No larger than what pieces are merged into. */
const pieceBytes = 4 * 2 ** 20;

interface Storing {
  /** Which file it was: a name may be written again. */
  readonly identity: string;
  readonly done: Promise<void>;
}

/** Stores what servers archive in the log that their WAL is streamed to. */
export class LogArchiver {
  readonly #log: Log;
  readonly #coverage: LogCoverage;
  readonly #timelines: KnownTimelines;
  readonly #owner: Owner;
  readonly #storing = new Map<string, Storing>();

  constructor(log: Log, owner: Owner) {
    this.#log = log;
    this.#coverage = new LogCoverage(log);
    this.#timelines = new KnownTimelines(log);
    this.#owner = owner;
  }

  /**
   * Durable in the repository when it resolves; what is there already is compared. Errors: `archive.refused`, `log.conflict`,
   * `postgres.other-cluster`, those of the repository.
   */
  async put(request: ArchiveRequest): Promise<void> {
    const { name } = request;
    const kind = parseArchiveName(name)?.kind;
    if (kind === undefined) {
      throw new LifeboatError('archive.refused', `${JSON.stringify(name)} is no file of WAL`);
    }
    const identity = await this.#identityOf(request.path);
    const known = this.#storing.get(name);
    const storing =
      known?.identity === identity ? known : { identity, done: this.#store(request, kind) };
    this.#storing.set(name, storing);
    // Whoever asked may not wait so long.
    storing.done.catch(() => {});
    if (kind === 'segment') this.#storeAhead(request).catch(() => {});
    try {
      await storing.done;
    } finally {
      this.#storing.delete(name);
    }
  }

  /** The files that the server will hand over next: it marks them, and then no longer writes to them. */
  async #storeAhead({ name, path, dataFolder }: ArchiveRequest): Promise<void> {
    const folder = dirname(path);
    const marks = await readdir(join(folder, 'archive_status'));
    const next = marks
      .filter((mark) => /^[0-9A-F]{24}\.ready$/.test(mark))
      .map((mark) => mark.slice(0, 24))
      .filter((each) => each > name && each.startsWith(name.slice(0, 8)))
      .sort()
      .slice(0, segmentsAhead);
    // What was never asked for is not kept in mind.
    for (const [each] of this.#storing) if (each < name) this.#storing.delete(each);
    for (const each of next) {
      if (this.#storing.has(each)) continue;
      const file = join(folder, each);
      if ((await stat(file)).size > aheadBytesMax) return;
      const identity = await this.#identityOf(file);
      if (this.#storing.has(each)) continue;
      const request = { operation: 'put' as const, name: each, path: file, dataFolder };
      const done = this.#store(request, 'segment');
      done.catch(() => {
        if (this.#storing.get(each)?.done === done) this.#storing.delete(each);
      });
      this.#storing.set(each, { identity, done });
    }
  }

  async #store(
    { name, path, dataFolder }: ArchiveRequest,
    kind: 'segment' | 'partial' | 'history' | 'backup',
  ): Promise<void> {
    const isSmall = kind === 'history' || kind === 'backup';
    const bytes = await this.#read(path, isSmall ? smallBytesMax : segmentBytesMax);
    await this.#coverage.claim(await this.#clusterOf(dataFolder));
    if (isSmall) return await this.#log.appendFile(name, bytes);
    const { timeline, start, systemId } = checkSegment(name.slice(0, 24), bytes);
    this.#coverage.refuseOther(systemId);
    await this.#timelines.require(timeline);
    const stream = timelineStream(timeline);
    if (kind === 'segment') return await this.#log.appendSegment(stream, start, bytes);
    // The end of a timeline that was left: what follows its last record is of no history.
    const end = endOfRecords(bytes, start);
    for (let at = 0; at < end; at += pieceBytes) {
      const piece = bytes.subarray(at, Math.min(end, at + pieceBytes));
      await this.#log.appendPiece(stream, start + BigInt(at), piece);
    }
  }

  /** The system identifier is the first thing in pg_control; a history file names no cluster. */
  async #clusterOf(dataFolder: string): Promise<string> {
    const head = await this.#read(join(dataFolder, 'global/pg_control'), smallBytesMax);
    if (head.length < 8) {
      throw new LifeboatError('archive.refused', `${dataFolder} is no data folder of PostgreSQL`);
    }
    return head.readBigUInt64LE(0).toString();
  }

  async #read(path: string, bytesMax: number): Promise<Buffer> {
    try {
      await using file = await openTrusted(path, this.#owner);
      const { size } = await file.stat();
      if (size === 0 || size > bytesMax) {
        throw new LifeboatError('archive.refused', `${path} has ${size} bytes`);
      }
      return await file.readFile();
    } catch (error) {
      throw unreadable(error, path);
    }
  }

  async #identityOf(path: string): Promise<string> {
    try {
      await using file = await openTrusted(path, this.#owner);
      const { dev, ino, size, mtimeNs, ctimeNs } = await file.stat({ bigint: true });
      return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
    } catch (error) {
      throw unreadable(error, path);
    }
  }
}

function unreadable(error: unknown, path: string): LifeboatError {
  if (isLifeboatError(error)) return error;
  const code = (error as NodeJS.ErrnoException).code;
  if (code !== 'EACCES' && code !== 'EPERM') return fileError(error, `could not read ${path}`);
  return new LifeboatError('archive.refused', `${path} cannot be read: ${code}`, {
    hint: 'Run `lifeboat serve` on the host of the database server, as root or as the account that the server runs as.',
    cause: error,
  });
}

/** Behind the last whole record. */
function endOfRecords(bytes: Uint8Array, start: bigint): number {
  const reader = new WalReader({ startLsn: start, segmentSizeBytes: bytes.length });
  for (const _ of reader.read(bytes)) {
    // Only where they end is wanted.
  }
  return Number((reader.ended?.at ?? start) - start);
}
