import { createHash } from 'node:crypto';
import {
  isLifeboatError,
  type Progress,
  silentProgress,
  throwIfAborted,
} from '../../core/index.ts';
import type { FileKind, Location } from '../location/location.ts';
import type { ObjectLock, Retention, StoredVersion } from '../location/object-lock.ts';
import type { RecordStore } from '../record/record.ts';
import {
  type FilePlace,
  pathOf,
  type RetainedFile,
  recordedVersions,
  recordVersions,
} from './retention-record.ts';

/** A request each; a distant server answers only after a while. */
const requestsAtOnce = 16;
const task = 'retain';

export interface RetainOptions {
  /** Every pack that an index names. */
  readonly packs: Iterable<string>;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: Progress | undefined;
}

/**
 * Keeps the promise of a locked location: when a snapshot is published, everything the repository consists of is
 * retained for the promised time from then on, what older snapshots share with it and what only they need as well. What
 * was retained lately is left alone, so that a file is touched about twice in a period. See docs/decisions.
 */
export class SnapshotRetention {
  readonly #location: Location;
  readonly #lock: ObjectLock;
  readonly #records: RecordStore;
  /** By path; what was recorded before, and what was found out since. */
  #versions: Map<string, StoredVersion> | undefined;
  /** Not in a record yet. */
  #unrecorded = new Map<string, RetainedFile>();

  constructor(location: Location, lock: ObjectLock, records: RecordStore) {
    this.#location = location;
    this.#lock = lock;
    this.#records = records;
  }

  /** Undefined when the location was opened without a promise. */
  static of(location: Location, records: RecordStore): SnapshotRetention | undefined {
    const lock = location.objectLock;
    return lock && new SnapshotRetention(location, lock, records);
  }

  /** Before a snapshot is published: all packs must be durable. Errors: `location.*`. */
  async retainAll(options: RetainOptions): Promise<void> {
    const { signal, progress = silentProgress } = options;
    const now = Date.now();
    const atLeast = new Date(now + this.#lock.promise.periodMs);
    const due = { atLeast, until: this.#lock.untilFor(new Date(now)) };
    this.#versions ??= await recordedVersions(this.#records, this.#lock.place);
    const short: FilePlace[] = [];
    const files = await this.#files(options);
    this.#forgetAllBut(files);
    for (const file of files) {
      const version = this.#versionOf(file);
      if (!isRetained(version, atLeast)) short.push(file);
    }
    if (short.length === 0) return;
    progress({ type: 'begin', task, title: 'retaining what the snapshot needs' });
    let done = 0;
    const lane = async () => {
      for (let file = short.pop(); file !== undefined; file = short.pop()) {
        throwIfAborted(signal);
        await this.#retain(file, due, signal, progress);
        done++;
        progress({ type: 'progress', task, done, total: done + short.length, unit: 'files' });
      }
    };
    const stopOthers = (error: unknown) => {
      short.length = 0;
      throw error;
    };
    try {
      await Promise.all(Array.from({ length: requestsAtOnce }, () => lane().catch(stopOthers)));
    } finally {
      progress({ type: 'end', task });
    }
  }

  /** After a snapshot was published: which versions are the genuine ones. A failure is only a warning, names tell too. */
  async record(snapshot: string, progress: Progress = silentProgress): Promise<void> {
    this.#versionOf({ area: '', kind: 'snapshots', name: snapshot });
    const { place, promise } = this.#lock;
    try {
      const configHash = sha256(await this.#location.read('config', 'config'));
      const about = { place, mode: promise.mode, snapshot, configHash };
      await recordVersions(this.#records, about, [...this.#unrecorded.values()]);
      this.#unrecorded = new Map();
    } catch (error) {
      if (!isLifeboatError(error)) throw error;
      const hint = 'The next snapshot records them. Everything is retained as promised.';
      progress({ type: 'warning', message: `versions not recorded: ${error.message}`, hint });
    }
  }

  async #retain(
    file: FilePlace,
    due: Retention,
    signal: AbortSignal | undefined,
    progress: Progress,
  ): Promise<void> {
    const { area, kind, name } = file;
    const lock = area === '' ? this.#lock : this.#location.nested(area).objectLock;
    const known = this.#versions?.get(pathOf(file));
    try {
      const version = await lock?.retain(kind, name, { ...due, known }, signal);
      if (version !== undefined) this.#note({ ...file, version });
    } catch (error) {
      if (!isLifeboatError(error, 'location.file-missing')) throw error;
      // What the logs have tidied up meanwhile is not missed.
      if (area !== '' || kind !== 'data') return;
      const hint =
        'Older backups may need it. Run `lifeboat check`; what is missing may be a former version of it.';
      progress({
        type: 'warning',
        message: `could not retain ${pathOf(file)}: it is missing`,
        hint,
      });
    }
  }

  /** What this process wrote was retained when it was written. */
  #versionOf(file: FilePlace): StoredVersion | undefined {
    const lock = file.area === '' ? this.#lock : this.#location.nested(file.area).objectLock;
    const former = this.#versions?.get(pathOf(file));
    const written = lock?.takeWritten(file.kind, file.name);
    if (written === undefined) return former;
    this.#note({ ...file, version: written });
    return written;
  }

  /** What was removed since would otherwise stay in memory for as long as a daemon runs. */
  #forgetAllBut(files: readonly FilePlace[]): void {
    const paths = new Set(files.map(pathOf));
    for (const path of this.#versions?.keys() ?? []) {
      if (!paths.has(path)) this.#versions?.delete(path);
    }
  }

  #note(file: RetainedFile): void {
    this.#versions?.set(pathOf(file), file.version);
    this.#unrecorded.set(pathOf(file), file);
  }

  async #files({ packs, signal }: RetainOptions): Promise<readonly FilePlace[]> {
    const files: FilePlace[] = [{ area: '', kind: 'config', name: 'config' }];
    for (const name of packs) files.push({ area: '', kind: 'data', name });
    const add = async (area: '' | 'lifeboat', kind: FileKind) => {
      const place = area === '' ? this.#location : this.#location.nested(area);
      for (const { name } of await place.list(kind, signal)) files.push({ area, kind, name });
    };
    for (const kind of ['keys', 'index', 'snapshots'] as const) await add('', kind);
    // Pieces of logs live in `locks`, which is never retained.
    for (const kind of ['data', 'index', 'snapshots'] as const) await add('lifeboat', kind);
    return files;
  }
}

function isRetained(version: StoredVersion | undefined, atLeast: Date): boolean {
  return (version?.retainedUntil?.getTime() ?? 0) >= atLeast.getTime();
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
