import { isLifeboatError, LifeboatError } from '../../core/index.ts';
import type { EnvelopeKey } from '../crypto/envelope.ts';
import { openVerifiedBlob, plainLength } from '../data-plane/blob-codec.ts';
import { damaged } from '../format/json-shape.ts';
import { nameBytes } from '../format/raw-name.ts';
import { decodeTree } from '../format/tree.ts';
import type { BlobLookup } from '../index/blob-lookup.ts';
import type { BlobId, BlobType, TreeNode } from '../repository.ts';
import type { PackBytes } from './pack-bytes.ts';
import { maxBlobBytes, type PackRange, type PlacedBlob, planRanges } from './pack-ranges.ts';

/** The plain bytes, which the next blob overwrites, or why there are none. */
export type BlobOutcome = Uint8Array | LifeboatError;

/**
 * Reads blobs in a thread: neighbours in a pack together, each verified (MAC, decompression, SHA-256). What the code of a
 * module needs of the repository comes with it, so that a thread loads little.
 */
export class BlobReader {
  readonly nameBytes: (name: string) => Buffer = nameBytes;
  readonly #key: EnvelopeKey;
  readonly #index: BlobLookup;
  readonly #packs: PackBytes;

  constructor(key: EnvelopeKey, index: BlobLookup, packs: PackBytes) {
    this.#key = key;
    this.#index = index;
    this.#packs = packs;
  }

  /** As the index has it; undefined when no index names the blob. */
  plainBytesOf(type: BlobType, id: BlobId): number | undefined {
    const place = this.#index.find(type, id);
    return place && plainLength(place);
  }

  /**
   * Each of `ids`, which are different, comes once, in the order of the packs. What cannot be read comes as an error, and does not
   * keep the others. Rejects when the repository cannot be reached, and with what `onBlob` throws.
   */
  async readBlobs(
    type: BlobType,
    ids: readonly BlobId[],
    onBlob: (number: number, outcome: BlobOutcome) => void,
  ): Promise<void> {
    const placed: PlacedBlob[] = [];
    for (const [number, id] of ids.entries()) {
      const place = this.#index.find(type, id);
      if (place === undefined) onBlob(number, missing(type, id));
      else if (plainLength(place) > maxBlobBytes) {
        onBlob(number, damaged(`${type} blob ${id}: larger than any program writes`));
      } else placed.push({ number, id, place });
    }
    for (const range of planRanges(placed)) await this.#readRange(range, onBlob);
  }

  async #readRange(
    { pack, offset, length, blobs }: PackRange,
    onBlob: (number: number, outcome: BlobOutcome) => void,
  ): Promise<void> {
    let bytes: Uint8Array;
    try {
      const read = this.#packs.read(pack, offset, length);
      bytes = read instanceof Uint8Array ? read : await read;
    } catch (error) {
      if (!isLifeboatError(error, 'repository.damaged', 'location.file-missing')) throw error;
      if (this.#packs.isNear && blobs.length > 1 && error.code === 'repository.damaged') {
        // A bad sector, or the end of a file cut short, need not take its neighbours with it.
        for (const blob of blobs) {
          const { offset, length } = blob.place;
          await this.#readRange({ pack, offset, length, blobs: [blob] }, onBlob);
        }
        return;
      }
      for (const { number } of blobs) onBlob(number, error);
      return;
    }
    for (const { number, id, place } of blobs) {
      const at = place.offset - offset;
      const sealed = bytes.subarray(at, at + place.length);
      onBlob(number, this.#open(pack, id, sealed, place.uncompressedLength));
    }
  }

  /** In the order of `ids`. */
  async readTrees(ids: readonly BlobId[]): Promise<(readonly TreeNode[] | LifeboatError)[]> {
    const different = [...new Set(ids)];
    const trees = new Map<BlobId, readonly TreeNode[] | LifeboatError>();
    await this.readBlobs('tree', different, (number, outcome) => {
      const id = different[number] as BlobId;
      trees.set(id, outcome instanceof LifeboatError ? outcome : decodedTree(id, outcome));
    });
    return ids.map((id) => trees.get(id) as readonly TreeNode[] | LifeboatError);
  }

  #open(pack: string, id: BlobId, sealed: Uint8Array, uncompressedLength: number): BlobOutcome {
    try {
      return openVerifiedBlob(this.#key, sealed, uncompressedLength, id);
    } catch (error) {
      if (!isLifeboatError(error, 'repository.damaged')) throw error;
      return damaged(`blob ${id} in pack ${pack}: ${error.message}`);
    }
  }
}

function decodedTree(id: BlobId, bytes: Uint8Array): readonly TreeNode[] | LifeboatError {
  try {
    return decodeTree(bytes);
  } catch (error) {
    // A tree too long for one string is a RangeError or such.
    const problem = error instanceof Error ? error.message : String(error);
    return damaged(`tree ${id}: ${problem}`);
  }
}

function missing(type: BlobType, id: BlobId): LifeboatError {
  return new LifeboatError('repository.blob-missing', `${type} blob ${id} is in no index`, {
    hint: 'Run `lifeboat check` to see what is affected.',
    context: { blob: id, type },
  });
}
