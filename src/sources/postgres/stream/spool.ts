import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LifeboatError, writeFileDurably } from '../../../core/index.ts';
import {
  formatLsn,
  type Lsn,
  lsn,
  parseLsn,
  segmentName,
  segmentStart,
} from '../../../wal/index.ts';
import {
  listHistoryFiles,
  listSegments,
  makeTimelineFolder,
  readHeader,
  type SpoolHeader,
  writeHeader,
} from './spool-folder.ts';
import { lockSpool } from './spool-lock.ts';
import { SpoolSegment } from './spool-segment.ts';
import { isLater, type WalPosition } from './wal-position.ts';

export type IsGivenUp = (timeline: number) => boolean;

/** Called when the file held other bytes than the server sends; may refuse to go on by throwing. */
export type OnConflict = (segment: SpoolSegment, bytes: Uint8Array) => Promise<void>;

/**
 * WAL that was received and is not all in the repository yet: files on the local disk, one per segment, written in
 * order. All files but the last are durable as a whole. One process at a time (a lock file).
 */
export class Spool implements AsyncDisposable {
  readonly #folder: string;
  readonly #lock: AsyncDisposable;
  #header: SpoolHeader | undefined;
  #segments: SpoolSegment[] = [];
  #current: SpoolSegment | undefined;
  #syncing: Promise<void> | undefined;
  #removing: Promise<void> = Promise.resolve();
  #isBeginning = false;

  private constructor(folder: string, lock: AsyncDisposable) {
    this.#folder = folder;
    this.#lock = lock;
  }

  static async open(folder: string): Promise<Spool> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const lock = await lockSpool(folder);
    try {
      const spool = new Spool(folder, lock);
      spool.#header = await readHeader(folder);
      if (spool.#header) await spool.#load(spool.#header.segmentSizeBytes);
      return spool;
    } catch (error) {
      await lock[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #load(sizeBytes: number): Promise<void> {
    const files = await listSegments(this.#folder, sizeBytes);
    this.#segments = files.map(
      (file, index) => new SpoolSegment({ ...file, sizeBytes, trusted: index < files.length - 1 }),
    );
  }

  get folder(): string {
    return this.#folder;
  }

  get header(): SpoolHeader | undefined {
    return this.#header;
  }

  /** Ordered by timeline and position. */
  get segments(): readonly SpoolSegment[] {
    return this.#segments;
  }

  get bytesHeld(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.lengthBytes, 0);
  }

  /** Ties a new spool to a cluster; a spool of another cluster is `postgres.other-cluster`. */
  async claim(systemId: string, segmentSizeBytes: number): Promise<void> {
    const header = this.#header;
    if (!header) {
      this.#header = { format: 1, systemId, segmentSizeBytes };
      await writeHeader(this.#folder, this.#header);
      return;
    }
    if (header.systemId !== systemId || header.segmentSizeBytes !== segmentSizeBytes) {
      throw new LifeboatError(
        'postgres.other-cluster',
        `the spool ${this.#folder} belongs to the cluster ${header.systemId}, the server is ${systemId}`,
        { hint: 'Give the new cluster a source name of its own, with its own spool.' },
      );
    }
  }

  /** Where to go on. The last file is read again from its start, unless the log has all of it. What was given up does not count. */
  continuation(isGivenUp: IsGivenUp): WalPosition | undefined {
    const last = this.#segments.findLast(({ timeline }) => !isGivenUp(timeline));
    const given = this.#header?.continueAt;
    const fromHeader =
      given && !isGivenUp(given.timeline)
        ? { timeline: given.timeline, start: parseLsn(given.lsn) }
        : undefined;
    if (!last) return fromHeader;
    const done = last.covered >= last.end;
    const fromFiles = { timeline: last.timeline, start: done ? last.end : last.start };
    return fromHeader && isLater(fromHeader, fromFiles) ? fromHeader : fromFiles;
  }

  /** How far it holds the segment that begins at a position; the position itself when it holds none of it. */
  endFrom({ timeline, start }: WalPosition): bigint {
    const held = this.#segments.find((each) => each.timeline === timeline && each.start === start);
    return start + BigInt(held?.lengthBytes ?? 0);
  }

  /** From now on the stream goes on at `position`, whatever is missing before it. Files that are there stay. */
  async continueAt(position: WalPosition): Promise<void> {
    const { timeline, start } = position;
    const header = this.#header as SpoolHeader;
    this.#header = { ...header, continueAt: { timeline, lsn: formatLsn(start) } };
    await writeHeader(this.#folder, this.#header);
  }

  /** Begins to receive at a segment's start. Files before it are taken as they are: they are not sent again. */
  async begin({ timeline, start }: WalPosition): Promise<SpoolSegment> {
    const former = this.#current;
    this.#current = undefined;
    this.#isBeginning = true;
    try {
      await this.#removing.catch(() => {});
      await this.#syncing?.catch(() => {});
      await former?.close();
      for (const segment of this.#segments) {
        if (isLater({ timeline, start }, segment)) await segment.trust();
      }
      this.#current = await this.#openSegment(timeline, start);
    } finally {
      this.#isBeginning = false;
    }
    return this.#current;
  }

  /** Takes the bytes that follow; those that an existing file holds already are compared with it. */
  async append(start: bigint, bytes: Uint8Array, onConflict: OnConflict): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const segment = await this.#segmentFor(start + BigInt(done));
      const room = Number(segment.end - segment.received);
      const part = bytes.subarray(done, done + room);
      if (!(await segment.append(part))) {
        await onConflict(segment, part);
        continue;
      }
      done += part.length;
    }
  }

  /** How far what was received is durable here. */
  get written(): Lsn {
    return this.#current?.synced ?? lsn(0n);
  }

  get hasUnsynced(): boolean {
    return this.#current !== undefined && this.#current.received > this.#current.synced;
  }

  /** Makes what was received durable. Callers at the same time share one sync. */
  sync(): Promise<void> {
    this.#syncing ??= (async () => {
      try {
        await this.#current?.sync();
      } finally {
        this.#syncing = undefined;
      }
    })();
    return this.#syncing;
  }

  /**
   * The timeline of the current segment ended: nothing will be added to it. What the file holds beyond that end was received from
   * a server that went on alone, and stays. Returns where it ends, if there is any.
   */
  async endTimeline(): Promise<Lsn | undefined> {
    const current = this.#current;
    await this.#finishCurrent();
    return await current?.keepTail();
  }

  /** Removes files that the repository has, all but the last. */
  async removeDurable(): Promise<void> {
    for (const segment of this.#segments.slice(0, -1)) {
      if (segment === this.#current || !segment.whole || segment.durable < segment.received) return;
      // Any file may be the one to begin with.
      if (this.#isBeginning) return;
      this.#removing = segment.remove();
      await this.#removing;
      this.#segments.splice(this.#segments.indexOf(segment), 1);
    }
  }

  /** What it holds of timelines that were given up, taken as it is: nothing will be added to it. */
  async endGivenUp(isGivenUp: IsGivenUp): Promise<readonly SpoolSegment[]> {
    const given = this.#segments.filter(({ timeline }) => isGivenUp(timeline));
    if (this.#current && given.includes(this.#current)) await this.#finishCurrent();
    for (const segment of given) {
      await segment.keepTail();
      await segment.trust();
    }
    return given;
  }

  /** Removes what it holds of timelines that were given up, as far as the repository has it. Returns whether that was all. */
  async removeGivenUp(isGivenUp: IsGivenUp): Promise<boolean> {
    // One at a time takes files away.
    this.#isBeginning = true;
    try {
      await this.#removing.catch(() => {});
      for (const segment of this.#segments.filter(({ timeline }) => isGivenUp(timeline))) {
        if (!segment.whole || segment.durable < segment.received) return false;
        await segment.remove();
        this.#segments.splice(this.#segments.indexOf(segment), 1);
      }
      const { continueAt, ...header } = this.#header as SpoolHeader;
      if (continueAt && isGivenUp(continueAt.timeline)) {
        this.#header = header;
        await writeHeader(this.#folder, header);
      }
      return true;
    } finally {
      this.#isBeginning = false;
    }
  }

  /** One that is there with another content belongs to another history: `log.conflict`. */
  async writeHistoryFile(name: string, bytes: Uint8Array): Promise<void> {
    const held = await this.readHistoryFile(name);
    if (held?.equals(bytes)) return;
    if (held !== undefined) throw otherBranch(name);
    await writeFileDurably(join(this.#folder, name), bytes);
  }

  async readHistoryFile(name: string): Promise<Buffer | undefined> {
    const names = await listHistoryFiles(this.#folder);
    return names.includes(name) ? await readFile(join(this.#folder, name)) : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const segment of this.#segments) await segment.close();
    await this.#lock[Symbol.asyncDispose]();
  }

  async #segmentFor(position: bigint): Promise<SpoolSegment> {
    const current = this.#current;
    if (current?.received !== position) {
      throw new LifeboatError(
        'postgres.protocol',
        `the server sent WAL at ${formatLsn(position)}, expected was ${formatLsn(current?.received ?? 0n)}`,
        { retryable: true },
      );
    }
    if (position < current.end) return current;
    await this.#finishCurrent();
    this.#current = await this.#openSegment(current.timeline, lsn(position));
    return this.#current;
  }

  /** A later file is only begun when this one is durable: after a crash only the last can be torn. */
  async #finishCurrent(): Promise<void> {
    await this.#syncing;
    const current = this.#current;
    if (!current) return;
    await current.sync();
    await current.close();
    current.closed = true;
    this.#current = undefined;
  }

  async #openSegment(timeline: number, position: Lsn): Promise<SpoolSegment> {
    const sizeBytes = (this.#header as SpoolHeader).segmentSizeBytes;
    const start = segmentStart(position, sizeBytes);
    const known = this.#segments.find((each) => each.timeline === timeline && each.start === start);
    if (known) {
      await known.open();
      return known;
    }
    const folder = await makeTimelineFolder(this.#folder, timeline);
    const path = join(folder, segmentName(timeline, start, sizeBytes));
    const segment = new SpoolSegment({
      timeline,
      start,
      path,
      sizeBytes,
      lengthBytes: 0,
      trusted: false,
    });
    await segment.open();
    this.#segments.push(segment);
    this.#segments.sort((a, b) => (isLater(a, b) ? 1 : -1));
    return segment;
  }
}

function otherBranch(name: string): LifeboatError {
  return new LifeboatError(
    'log.conflict',
    `the server has another ${name} than was received before: two servers made the same timeline, each its own`,
    {
      hint: 'Name the server that is to go on in the connection of the source. If that is the other one, give it a source name of its own and take a base backup.',
    },
  );
}
