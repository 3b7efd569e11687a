import type { EnvelopeKey } from '../crypto/envelope.ts';
import { ownBuffer } from '../data-plane/own-buffer.ts';
import type { WorkerPool } from '../data-plane/worker-pool.ts';
import { type OpenedFile, openNamedFile, type SealedFile, sealFile } from './nested-file.ts';
import type { NestedHeader } from './nested-header.ts';
import { type NestedFolder, type NestedKeys, nestedKeys } from './nested-keys.ts';

/** Below, what the work costs is less than what it takes to hand it over; a repository with few changes never
 * starts a thread for its log. */
const smallBytes = 256 * 1024;

/** Seals and opens the files of a nested area: small ones at once, large ones in the repository's worker threads. */
export class NestedCodec {
  readonly #keys: NestedKeys;
  readonly #pool: WorkerPool | undefined;

  /** Without a pool everything is done at once, on the calling thread. */
  constructor(master: EnvelopeKey, pool?: WorkerPool) {
    this.#keys = nestedKeys(master);
    this.#pool = pool;
  }

  /** See `sealFile`. The payload must not change until this resolves. */
  async seal(
    folder: NestedFolder,
    header: Omit<NestedHeader, 'lengthBytes'>,
    payload: Uint8Array,
  ): Promise<SealedFile> {
    if (this.#pool === undefined || payload.length < smallBytes) {
      return sealFile(this.#keys[folder], header, payload);
    }
    // The caller keeps the payload; the copy goes over, and is all that the main thread does.
    const copy = new Uint8Array(payload);
    const request = { type: 'sealNested', folder, header, payload: copy } as const;
    const options = { bytes: payload.length, transfer: [copy.buffer] };
    const worker = this.#pool.leastBusy();
    return (await worker.run(request, 'nestedSealed', options)).sealed;
  }

  /**
   * See `openNamedFile`. `bytes` are given away. `payloadBytes` is how long the payload is expected to be, if
   * that is known: little may unpack to much. `room`, given away too, is where the payload is put if it fills it.
   */
  async open(
    folder: NestedFolder,
    name: string,
    bytes: Uint8Array,
    payloadBytes = 0,
    room?: Uint8Array<ArrayBuffer>,
  ): Promise<OpenedFile> {
    const workBytes = Math.max(bytes.length, payloadBytes);
    if (this.#pool === undefined || workBytes < smallBytes) {
      return openNamedFile(this.#keys[folder], folder, name, bytes, room);
    }
    const own = ownBuffer(bytes);
    const request = { type: 'openNested', folder, name, bytes: own, room } as const;
    const transfer = room === undefined ? [own.buffer] : [own.buffer, room.buffer];
    const options = { bytes: workBytes, transfer };
    const worker = this.#pool.leastBusy();
    return (await worker.run(request, 'nestedOpened', options)).opened;
  }
}
