import { LifeboatError } from '../../core/index.ts';
import { plainLength } from '../data-plane/blob-codec.ts';
import type { WantedBlob } from '../data-plane/worker-messages.ts';
import type { BlobIndex, BlobPlace } from '../index/blob-index.ts';
import type { ByteRange } from '../location/location.ts';
import type { BlobId, BlobType } from '../repository.ts';

/** A part of a content that is fetched, decoded and handed on as one. */
export interface ReadWindow {
  readonly pieces: readonly { readonly pack: string; readonly range: ByteRange }[];
  readonly blobs: readonly WantedBlob[];
  readonly plainBytes: number;
}

const windowBytes = 4 * 1024 * 1024;
/** Reading on through what is not wanted is cheaper than another request. */
const maxGapBytes = 128 * 1024;

/** Cuts a content into windows; in each, blobs that lie near each other in a pack are read together. */
export function* planWindows(
  index: BlobIndex,
  content: readonly BlobId[],
): Generator<ReadWindow, void, undefined> {
  let window = new Map<BlobId, PlacedBlob>();
  let plainBytes = 0;
  for (const id of content) {
    const placed = window.get(id) ?? { id, place: placeOf(index, 'data', id), targets: [] };
    const length = plainLength(placed.place);
    if (plainBytes > 0 && plainBytes + length > windowBytes) {
      yield planWindow([...window.values()], plainBytes);
      window = new Map();
      plainBytes = 0;
      placed.targets = [];
    }
    placed.targets.push(plainBytes);
    window.set(id, placed);
    plainBytes += length;
  }
  if (plainBytes > 0) yield planWindow([...window.values()], plainBytes);
}

/** Errors: `repository.blob-missing`. */
export function placeOf(index: BlobIndex, type: BlobType, id: BlobId): BlobPlace {
  const place = index.find(type, id);
  if (place !== undefined) return place;
  throw new LifeboatError('repository.blob-missing', `${type} blob ${id} is in no index`, {
    hint: 'Run `lifeboat check` to see what is affected.',
    context: { blob: id, type },
  });
}

interface PlacedBlob {
  readonly id: BlobId;
  readonly place: BlobPlace;
  targets: number[];
}

function planWindow(placed: readonly PlacedBlob[], plainBytes: number): ReadWindow {
  const sorted = placed.toSorted(
    (a, b) => compareText(a.place.pack, b.place.pack) || a.place.offset - b.place.offset,
  );
  const pieces: { pack: string; range: { offset: number; length: number } }[] = [];
  const blobs: WantedBlob[] = [];
  for (const { id, place, targets } of sorted) {
    const { pack, offset, length, uncompressedLength } = place;
    let piece = pieces.at(-1);
    const end = piece === undefined ? 0 : piece.range.offset + piece.range.length;
    if (piece === undefined || piece.pack !== pack || offset - end > maxGapBytes) {
      piece = { pack, range: { offset, length: 0 } };
      pieces.push(piece);
    }
    const start = piece.range.offset;
    piece.range.length = Math.max(piece.range.length, offset + length - start);
    blobs.push({
      id,
      piece: pieces.length - 1,
      offset: offset - start,
      length,
      uncompressedLength,
      targets,
    });
  }
  return { pieces, blobs, plainBytes };
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
