import { copyFile, type FileHandle, link, open, rename, rm, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileError, LifeboatError, syncFolder } from '../../../core/index.ts';
import { type Lsn, lsn } from '../../../wal/index.ts';

/**
 * One segment's file in the spool. Bytes come in order from the segment's start; what the file holds already (from
 * before a restart) is compared, never overwritten. `synced` is how far it is known to be right and durable.
 */
export class SpoolSegment {
  readonly timeline: number;
  readonly start: Lsn;
  readonly path: string;
  readonly sizeBytes: number;
  #file: FileHandle | undefined;
  #lengthBytes: number;
  /** Syncs and the moving aside, one after the other. */
  #turn: Promise<void> = Promise.resolve();
  #received: bigint;
  #synced: bigint;
  /** What the file held, durably, when it was opened. */
  #durableBytes = 0;
  /** How far the log holds this segment. Kept here by the uploader. */
  covered: bigint;
  /** Nothing will be added to it although it may be shorter than a segment: its timeline ended. */
  closed = false;

  constructor(options: {
    readonly timeline: number;
    readonly start: Lsn;
    readonly path: string;
    readonly sizeBytes: number;
    readonly lengthBytes: number;
    /** All bytes of the file were durable before a later file was begun. */
    readonly trusted: boolean;
  }) {
    this.timeline = options.timeline;
    this.start = options.start;
    this.path = options.path;
    this.sizeBytes = options.sizeBytes;
    this.#lengthBytes = options.lengthBytes;
    this.#received = options.start + BigInt(options.trusted ? options.lengthBytes : 0);
    this.#synced = this.#received;
    this.covered = options.start;
    this.closed = options.trusted;
  }

  get received(): Lsn {
    return lsn(this.#received);
  }

  get synced(): Lsn {
    return lsn(this.#synced);
  }

  /** Durable in the repository, as far as the spool has it. */
  get durable(): Lsn {
    if (this.covered > this.#synced) return lsn(this.#synced);
    return lsn(this.covered);
  }

  get end(): Lsn {
    return lsn(this.start + BigInt(this.sizeBytes));
  }

  get lengthBytes(): number {
    return this.#lengthBytes;
  }

  /** All that will ever be in it is there and durable in the spool. */
  get whole(): boolean {
    return this.#synced === this.end || (this.closed && this.#synced === this.#received);
  }

  /** Begins (again) at the segment's start; what follows is compared with what is there. */
  async open(): Promise<void> {
    if (!this.#file) {
      const isNew = this.#lengthBytes === 0;
      this.#file = await open(this.path, isNew ? 'w+' : 'r+', 0o600);
      if (isNew) await syncFolder(dirname(this.path));
      else await this.#file.datasync();
      this.#durableBytes = this.#lengthBytes;
    }
    this.#received = this.start;
    this.#synced = this.start;
    this.closed = false;
  }

  /** Takes the file for what it should be without comparing it: the stream goes on behind it. */
  async trust(): Promise<void> {
    if (this.closed) return;
    const file = await open(this.path, 'r');
    try {
      await file.datasync();
    } finally {
      await file.close();
    }
    this.#received = this.start + BigInt(this.#lengthBytes);
    this.#synced = this.#received;
    this.closed = true;
  }

  /** Takes what the file holds beyond what was compared for what it should be. Returns its end, if there is any. */
  async keepTail(): Promise<Lsn | undefined> {
    const end = this.start + BigInt(this.#lengthBytes);
    if (end <= this.#received) return undefined;
    this.closed = false;
    await this.trust();
    return lsn(end);
  }

  /**
   * Takes the bytes that follow `received`. Returns false when the file holds other bytes there: nothing was changed.
   * The bytes are durable after `sync`.
   */
  async append(bytes: Uint8Array): Promise<boolean> {
    const offset = Number(this.#received - this.start);
    const known = Math.min(bytes.length, Math.max(0, this.#lengthBytes - offset));
    if (known > 0 && !(await this.#holds(bytes.subarray(0, known), offset))) return false;
    try {
      for (let done = known; done < bytes.length; ) {
        const { bytesWritten } = await this.#handle.write(
          bytes,
          done,
          bytes.length - done,
          offset + done,
        );
        done += bytesWritten;
        this.#lengthBytes = offset + done;
      }
    } catch (error) {
      throw fileError(error, `could not write ${this.path}`);
    }
    this.#received += BigInt(bytes.length);
    return true;
  }

  /** Makes everything that was received so far durable. After a failure the file is cut back to what is. */
  sync(): Promise<void> {
    return this.#inTurn(() => this.#syncReceived());
  }

  async #syncReceived(): Promise<void> {
    const target = this.#received;
    if (target === this.#synced) return;
    try {
      await this.#handle.datasync();
    } catch (error) {
      await this.#cutBack().catch(() => {});
      throw fileError(error, `could not sync ${this.path}`);
    }
    if (target > this.#synced) this.#synced = target;
  }

  /** Moves the file aside under a name of its own and goes on with a copy of the bytes that were compared. */
  setAside(): Promise<string> {
    return this.#inTurn(() => this.#moveAside());
  }

  async #moveAside(): Promise<string> {
    const prefixBytes = Number(this.#received - this.start);
    await this.close();
    const copy = `${this.path}.tmp`;
    await copyFile(this.path, copy);
    const file = await open(copy, 'r+');
    await file.truncate(prefixBytes);
    await file.sync();
    // A second name first, so that the segment's own name is never without a file.
    const aside = await linkAside(this.path);
    await rename(copy, this.path);
    await syncFolder(dirname(this.path));
    this.#file = file;
    this.#lengthBytes = prefixBytes;
    this.#durableBytes = prefixBytes;
    return aside;
  }

  async read(start: bigint, end: bigint): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(Number(end - start));
    const file = await open(this.path, 'r');
    try {
      const offset = Number(start - this.start);
      for (let done = 0; done < bytes.length; ) {
        const { bytesRead } = await file.read(bytes, done, bytes.length - done, offset + done);
        if (bytesRead === 0)
          throw fileError(new Error('it is too short'), `could not read ${this.path}`);
        done += bytesRead;
      }
    } finally {
      await file.close();
    }
    return bytes;
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  async remove(): Promise<void> {
    await this.close();
    await rm(this.path, { force: true });
  }

  /**
   * A sync runs beside the receiving. It must not meet the file while that is moved aside: it would take the closed
   * file for a failed disk and cut bytes that are nowhere else.
   */
  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(work);
    this.#turn = result.then(
      () => {},
      () => {},
    );
    return result;
  }

  async #holds(bytes: Uint8Array, offset: number): Promise<boolean> {
    const start = this.start + BigInt(offset);
    const held = await this.read(start, start + BigInt(bytes.length));
    return held.equals(bytes);
  }

  /**
   * After a failed sync the kernel may have dropped the pages it could not write while its cache still shows them, so a
   * later sync that succeeds would prove nothing. The doubtful bytes go; those that were durable before stay, also where they
   * are not compared yet. The segment must be opened again.
   */
  async #cutBack(): Promise<void> {
    const lengthBytes = Math.max(Number(this.#synced - this.start), this.#durableBytes);
    this.#received = this.#synced;
    this.#lengthBytes = lengthBytes;
    await this.close();
    this.#lengthBytes = lengthBytes;
    this.#received = this.#synced;
    await truncate(this.path, lengthBytes);
  }

  get #handle(): FileHandle {
    if (!this.#file) {
      throw new LifeboatError('file.unreadable', `${this.path} was closed after a failure`, {
        retryable: true,
      });
    }
    return this.#file;
  }
}

/** Gives the file one more name, the first of its kind that is free. */
async function linkAside(path: string): Promise<string> {
  for (let number = 1; ; number += 1) {
    const name = `${path}.conflict-${number}`;
    try {
      await link(path, name);
      return name;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}
