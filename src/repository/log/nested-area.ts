import { isLifeboatError } from '../../core/index.ts';
import type { EnvelopeKey } from '../crypto/envelope.ts';
import type { WorkerPool } from '../data-plane/worker-pool.ts';
import type { FileInfo, Location } from '../location/location.ts';
import { NestedCodec } from './nested-codec.ts';
import type { OpenedFile, SealedFile } from './nested-file.ts';
import { damaged, type NestedHeader } from './nested-header.ts';
import type { NestedFolder } from './nested-keys.ts';

/** Enough for every fresh file of some hundred logs; older ones are only read once more. */
const rememberedOwners = 100_000;
/** A distant server answers each only after a while. */
const discardsAtOnce = 8;

/**
 * The repository-shaped area `lifeboat/` beside restic's own files: sealed files named by their hash,
 * never overwritten. `locks/` holds what is superseded soon, because it is all that append-only servers
 * let go; restic's locks lie elsewhere.
 */
export class NestedArea {
  readonly #location: Location;
  readonly #codec: NestedCodec;
  readonly #owners = new Map<string, string>();
  #created: Promise<void> | undefined;
  #refusesRemoval = false;

  /** Large files are sealed and opened by `pool`, if there is one. */
  constructor(location: Location, master: EnvelopeKey, pool?: WorkerPool) {
    this.#location = location.nested('lifeboat');
    this.#codec = new NestedCodec(master, pool);
  }

  /** True where `locks/` is all that does not stay: what has to be found after an attack lies elsewhere. */
  get isRetained(): boolean {
    return this.#location.objectLock !== undefined;
  }

  list(folder: NestedFolder, signal?: AbortSignal): Promise<readonly FileInfo[]> {
    return this.#location.list(folder, signal);
  }

  /** Durable when it resolves, and verified before it was written. */
  async write(
    folder: NestedFolder,
    header: Omit<NestedHeader, 'lengthBytes'>,
    payload: Uint8Array,
  ): Promise<SealedFile> {
    const sealed = await this.#codec.seal(folder, header, payload);
    await this.#create();
    await this.#location.write(folder, sealed.name, sealed.bytes);
    this.#remember(sealed.name, header.log);
    return sealed;
  }

  /** Errors: `repository.damaged`, also when the bytes are whole but not the ones of that name.
   * `payloadBytes`: how many are expected, if that is known. `room`: see `Log.read`. */
  async read(
    folder: NestedFolder,
    name: string,
    signal?: AbortSignal,
    payloadBytes?: number,
    room?: Uint8Array<ArrayBuffer>,
  ): Promise<OpenedFile> {
    const bytes = await this.#location.read(folder, name, undefined, signal);
    const opened = await this.#codec.open(folder, name, bytes, payloadBytes, room);
    this.#remember(name, opened.header.log);
    return opened;
  }

  /** The log a file belongs to, if the file was read or written before. */
  ownerOf(name: string): string | undefined {
    return this.#owners.get(name);
  }

  /** False when the file is known to belong to another log: it need not be read again to find out. */
  mayBelongTo(name: string, log: string): boolean {
    const owner = this.#owners.get(name);
    return owner === undefined || owner === log;
  }

  /**
   * For what is superseded, and therefore harmless when it stays: a location that refuses is not asked
   * again, and what fails now is left for whoever tidies up next.
   */
  async discard(folder: NestedFolder, names: readonly string[]): Promise<void> {
    for (let at = 0; at < names.length; at += discardsAtOnce) {
      const some = names.slice(at, at + discardsAtOnce);
      await Promise.all(some.map((name) => this.#discardOne(folder, name)));
    }
  }

  async #discardOne(folder: NestedFolder, name: string): Promise<void> {
    if (this.#refusesRemoval && folder !== 'locks') return;
    try {
      await this.#location.remove(folder, name);
    } catch (error) {
      if (!isLifeboatError(error, 'location.refused', 'location.unreachable')) throw error;
      if (error.code === 'location.refused' && folder !== 'locks') this.#refusesRemoval = true;
    }
  }

  /** The folders, once per process: creating them again is harmless, but not free. */
  async #create(): Promise<void> {
    this.#created ??= this.#location.create();
    try {
      await this.#created;
    } catch (error) {
      this.#created = undefined;
      throw error;
    }
  }

  #remember(name: string, log: string): void {
    if (this.#owners.size >= rememberedOwners) this.#owners.clear();
    this.#owners.set(name, log);
  }
}

/** Compares what a file says about itself with what it was read as: files cannot be swapped. */
export function assertHeader(
  header: NestedHeader,
  wanted: Partial<NestedHeader>,
  subject: string,
): void {
  for (const [field, value] of Object.entries(wanted)) {
    const found = header[field as keyof NestedHeader];
    if (found !== value) {
      throw damaged(subject, `it should have ${field} ${String(value)} but has ${String(found)}`);
    }
  }
}
