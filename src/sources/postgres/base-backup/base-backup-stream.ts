import { LifeboatError } from '../../../core/index.ts';
import { type Lsn, parseLsn } from '../../../wal/index.ts';
import type { CopyOutHandler, QueryResult } from '../protocol/replication-connection.ts';

export interface Tablespace {
  readonly oid: number;
  readonly location: string;
}

export interface BackupBounds {
  readonly lsn: Lsn;
  readonly timeline: number;
}

/** What a base backup consists of, in the order the server sends it, the same for every version. */
export interface BaseBackupReceiver {
  /** `estimatedBytes`: sum over all tablespaces, undefined when the server gave none. */
  onStart(start: BackupBounds, tablespaces: readonly Tablespace[], estimatedBytes?: number): void;
  /** An archive begins: of a tablespace, or (undefined) of the data directory. */
  onArchiveBegin(tablespace: Tablespace | undefined): void;
  /** Valid until the promise settles; a promise holds the server back. */
  onArchiveData(bytes: Uint8Array): void | Promise<void>;
  onArchiveEnd(): void;
  onManifestData(bytes: Uint8Array): void;
  onStop(stop: BackupBounds): void;
}

/**
 * Understands the two ways in which servers send a base backup: up to 14 one COPY per tablespace and one for the
 * manifest; from 15 on a single COPY whose messages carry a type byte.
 */
export class BaseBackupStream implements CopyOutHandler {
  readonly #receiver: BaseBackupReceiver;
  readonly #typedMessages: boolean;
  #start: BackupBounds | undefined;
  #archives: (Tablespace | undefined)[] | undefined;
  #stopped = false;
  #part: 'none' | 'archive' | 'manifest' = 'none';

  constructor(serverVersion: number, receiver: BaseBackupReceiver) {
    this.#receiver = receiver;
    this.#typedMessages = serverVersion >= 150_000;
  }

  /** True once the server has said where the backup ends. */
  get stopped(): boolean {
    return this.#stopped;
  }

  onResult(result: QueryResult): void {
    if (!this.#start) {
      this.#start = bounds(result);
    } else if (!this.#archives) {
      const tablespaces = result.rows.map(tablespaceOf);
      this.#archives = tablespaces;
      const sizesKib = result.rows.map((row) => (row[2] == null ? Number.NaN : Number(row[2])));
      const totalBytes = sizesKib.reduce((sum, size) => sum + size, 0) * 1024;
      const known = tablespaces.filter((each) => each !== undefined);
      const estimate = Number.isFinite(totalBytes) ? totalBytes : undefined;
      this.#receiver.onStart(this.#start, known, estimate);
    } else if (!this.#stopped) {
      this.#stopped = true;
      this.#receiver.onStop(bounds(result));
    } else {
      throw unexpected('a result after the end of the backup');
    }
  }

  onCopyBegin(index: number): void {
    if (!this.#archives) throw unexpected('data before the start of the backup');
    if (this.#typedMessages) return;
    if (index < this.#archives.length) this.#beginArchive(this.#archives[index]);
    else this.#part = 'manifest';
  }

  onCopyData(payload: Uint8Array): void | Promise<void> {
    if (!this.#typedMessages) return this.#data(payload);
    const body = payload.subarray(1);
    switch (payload[0]) {
      case 0x64: // d
        return this.#data(body);
      case 0x70: // p: how far the server is; we count for ourselves.
        return;
      case 0x6e: // n
        this.#endPart();
        return this.#beginArchive(this.#archiveNamed(body));
      case 0x6d: // m
        this.#endPart();
        this.#part = 'manifest';
        return;
      default:
        throw unexpected(`a message of type ${payload[0]} in a base backup`);
    }
  }

  onCopyEnd(): void {
    this.#endPart();
  }

  #data(bytes: Uint8Array): void | Promise<void> {
    if (this.#part === 'archive') return this.#receiver.onArchiveData(bytes);
    if (this.#part === 'none') throw unexpected('data outside of an archive');
    this.#receiver.onManifestData(bytes);
  }

  #beginArchive(tablespace: Tablespace | undefined): void {
    this.#part = 'archive';
    this.#receiver.onArchiveBegin(tablespace);
  }

  #endPart(): void {
    if (this.#part === 'archive') this.#receiver.onArchiveEnd();
    this.#part = 'none';
  }

  /** `<oid>.tar` or `base.tar`, a zero byte, the tablespace's location, a zero byte. */
  #archiveNamed(body: Uint8Array): Tablespace | undefined {
    const name = Buffer.from(body).toString('utf8').split('\0')[0];
    if (name === 'base.tar') return undefined;
    const found = this.#archives?.find((each) => each && `${each.oid}.tar` === name);
    if (!found) throw unexpected(`an archive named ${JSON.stringify(name)}`);
    return found;
  }
}

function tablespaceOf(row: readonly (string | null)[]): Tablespace | undefined {
  const [oid, location] = row;
  if (oid == null) return undefined;
  if (!/^[1-9]\d{0,9}$/.test(oid))
    throw unexpected(`a tablespace with the oid ${JSON.stringify(oid)}`);
  return { oid: Number(oid), location: location ?? '' };
}

function bounds(result: QueryResult): BackupBounds {
  const [position, timeline] = result.rows[0] ?? [];
  if (position == null || timeline == null) throw unexpected('no position of the backup');
  return { lsn: parseLsn(position), timeline: Number(timeline) };
}

function unexpected(fact: string): LifeboatError {
  return new LifeboatError('postgres.protocol', `the server sent ${fact}`);
}
