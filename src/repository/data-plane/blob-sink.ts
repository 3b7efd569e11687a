import { hash } from 'node:crypto';
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { LifeboatError } from '../../core/index.ts';
import { type ContentCutter, createContentCutter } from '../chunker/content-cutter.ts';
import type { EnvelopeKey } from '../crypto/envelope.ts';
import { BlobLookup } from '../index/blob-lookup.ts';
import { type ClaimMemory, ClaimTable } from '../index/claim-table.ts';
import type { IndexMemory } from '../index/index-memory.ts';
import { localError } from '../location/local-error.ts';
import { removeQuietlySync } from '../location/local-temporary-file.ts';
import type { BlobId, BlobType } from '../repository.ts';
import { openVerifiedBlob } from './blob-codec.ts';
import { FilePackTarget } from './file-pack-target.ts';
import { LocalPacks } from './local-packs.ts';
import { prepareBlob } from './pack-builder.ts';
import { inMemory, type NewPackTarget, PackSession } from './pack-session.ts';

/** What a thread of one's own needs to store blobs of a backup by itself. Holds the master key: never store it. */
export interface SinkGrant {
  readonly masterKey: EnvelopeKey;
  readonly index: IndexMemory;
  readonly claims: ClaimMemory;
  /** Int32: see `sinkWord`. */
  readonly control: SharedArrayBuffer;
  /** Float64: see `sinkFigure`. */
  readonly figures: SharedArrayBuffer;
  /** Packs go out, their buffers come back. To be transferred. */
  readonly port: MessagePort;
  /** Where the packs lie, if that is a folder of this machine. */
  readonly localFolder: string | undefined;
  /** See `compressBlob`. */
  readonly isFast: boolean;
}

export const sinkWord = { packsUnderWay: 0, stop: 1, packsSent: 2 } as const;
export const sinkFigure = { dataBlobs: 0, treeBlobs: 1, bytesRead: 2, bytesNew: 3 } as const;

export interface SinkMessage {
  /** 1, 2, 3 ... per sink. */
  readonly number: number;
  readonly name: string;
  /** Plain: a tenth of what the same costs as objects. */
  readonly header: Uint8Array;
  readonly sizeBytes: number;
  /** Of the pack, or the temporary file that holds them: see `LocalLocation.adoptPack`. */
  readonly content: PackContent;
}

export type PackContent = Uint8Array<ArrayBuffer> | string;

/** One is being filled, one is on its way. */
const maxPacksUnderWay = 1;
/** Files wait for their fsync without taking memory. */
const maxFilesUnderWay = 3;

/**
 * Stores blobs from a thread other than the writer's: hashes, deduplicates, compresses, encrypts, verifies and packs with
 * synchronous calls. Finished packs go to the main thread, which writes them (or makes the files that hold them durable)
 * and their index; while it is behind, the calls wait. Nothing counts before the main thread publishes a snapshot.
 */
export class BlobSink {
  readonly #grant: SinkGrant;
  readonly #control: Int32Array;
  readonly #figures: Float64Array;
  readonly #lookup: BlobLookup;
  readonly #claims: ClaimTable;
  readonly #packs: PackSession<PackContent>;
  readonly #spareBuffers: ArrayBuffer[] = [];
  readonly #localPacks: LocalPacks | undefined;
  readonly #key: EnvelopeKey;

  constructor(grant: SinkGrant) {
    this.#grant = grant;
    this.#control = new Int32Array(grant.control);
    this.#figures = new Float64Array(grant.figures);
    this.#lookup = new BlobLookup(grant.index);
    this.#claims = new ClaimTable(grant.claims);
    this.#key = { ...grant.masterKey };
    this.#localPacks =
      grant.localFolder === undefined ? undefined : new LocalPacks(grant.localFolder);
    const folder = grant.localFolder;
    const newTarget: NewPackTarget<PackContent> =
      folder === undefined ? inMemory(this.#spareBuffers) : () => new FilePackTarget(folder);
    this.#packs = new PackSession(this.#key, newTarget, (pack) => {
      try {
        this.#send(pack);
      } catch (error) {
        if (typeof pack.content === 'string') removeQuietlySync(pack.content);
        throw error;
      }
    });
  }

  /** Not empty. The bytes may be overwritten when it returns. Errors: `cancelled` once the backup has ended. */
  save(type: BlobType, bytes: Uint8Array): { readonly id: BlobId; readonly isNew: boolean } {
    const id = hash('sha256', bytes, 'hex') as BlobId;
    const figures = this.#figures;
    (figures[sinkFigure.bytesRead] as number) += bytes.length;
    if (!this.#claims.claim(type, id, () => this.#lookup.has(type, id)))
      return { id, isNew: false };
    this.throwIfStopped();
    this.#takeBack();
    const { isFast } = this.#grant;
    this.#storing(() => this.#packs.addPrepared(type, prepareBlob(type, id, bytes, isFast)));
    (figures[type === 'data' ? sinkFigure.dataBlobs : sinkFigure.treeBlobs] as number) += 1;
    (figures[sinkFigure.bytesNew] as number) += bytes.length;
    return { id, isNew: true };
  }

  /** True when the blob need not be stored (again) by this backup. */
  has(type: BlobType, id: BlobId): boolean {
    return this.#lookup.has(type, id) || this.#claims.has(type, id);
  }

  /** Hands over the packs that are not full yet. */
  flush(): void {
    this.#storing(() => this.#packs.flush());
  }

  /** Leaves no temporary files of packs that will not be. */
  discard(): void {
    this.#packs.discard();
  }

  /** Undefined when a tree that the index names must be asked for from the main thread. Errors: as reading one. */
  readTree(id: BlobId): Uint8Array | undefined {
    const place = this.#lookup.find('tree', id);
    if (place === undefined || this.#localPacks === undefined) return undefined;
    const sealed = this.#localPacks.read(place);
    return openVerifiedBlob(this.#key, sealed, place.uncompressedLength, id);
  }

  createCutter(): ContentCutter {
    return createContentCutter(this.#key);
  }

  throwIfStopped(): void {
    if (Atomics.load(this.#control, sinkWord.stop) === 0) return;
    throw new LifeboatError('cancelled', 'the backup has ended');
  }

  /** What fails here is the repository's: whoever reads files must not take it for one of theirs. */
  #storing(work: () => void): void {
    try {
      work();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
      throw localError(error, 'could not write to the repository');
    }
  }

  #send({ name, header, sizeBytes, content }: Omit<SinkMessage, 'number'>): void {
    const control = this.#control;
    const most = typeof content === 'string' ? maxFilesUnderWay : maxPacksUnderWay;
    for (;;) {
      const underWay = Atomics.load(control, sinkWord.packsUnderWay);
      if (underWay <= most) break;
      this.throwIfStopped();
      Atomics.wait(control, sinkWord.packsUnderWay, underWay, 1000);
    }
    this.throwIfStopped();
    Atomics.add(control, sinkWord.packsUnderWay, 1);
    const number = Atomics.add(control, sinkWord.packsSent, 1) + 1;
    const message: SinkMessage = { number, name, header, sizeBytes, content };
    this.#grant.port.postMessage(message, typeof content === 'string' ? [] : [content.buffer]);
  }

  /** Buffers of packs that were written. */
  #takeBack(): void {
    if (this.#spareBuffers.length > 0) return;
    const received = receiveMessageOnPort(this.#grant.port) as { message: ArrayBuffer } | undefined;
    if (received !== undefined) this.#spareBuffers.push(received.message);
  }
}
