import { LifeboatError } from '../../core/index.ts';
import { type EnvelopeKey, envelopeOverhead, open, seal, sealInto } from '../crypto/envelope.ts';
import type { IndexedPack, PackedBlob } from '../format/index-file.ts';
import { damaged } from '../format/json-shape.ts';
import {
  decodePackHeader,
  encodePackHeader,
  locatePackHeader,
  packTrailerBytes,
} from '../format/pack-header.ts';
import { sha256 } from '../stored-file.ts';
import { compressBlob, openVerifiedBlob } from './blob-codec.ts';

/** A stored blob and where it lies in what was read. */
export interface BlobToMove extends PackedBlob {
  readonly piece: number;
}

export interface MovedPack extends IndexedPack {
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * A new pack of stored blobs. Each is decrypted, decompressed and compared with its id first, so that nothing damaged
 * becomes the only copy; then its sealed bytes are taken over as they are: they stay valid under the same key. Trees
 * that were stored uncompressed are compressed. Errors: `repository.damaged`.
 */
export function repackBlobs(
  key: EnvelopeKey,
  pieces: readonly Uint8Array[],
  blobs: readonly BlobToMove[],
): MovedPack {
  const parts: Uint8Array[] = [];
  const moved: PackedBlob[] = [];
  let offset = 0;
  for (const { piece, ...blob } of blobs) {
    const source = pieces[piece] as Uint8Array;
    const stored = source.subarray(blob.offset, blob.offset + blob.length);
    const plain = verified(key, stored, blob);
    const isPlainTree = blob.type === 'tree' && blob.uncompressedLength === 0;
    const sealed = isPlainTree ? compressedAnew(key, plain, blob.id) : stored;
    const uncompressedLength = isPlainTree ? plain.length : blob.uncompressedLength;
    parts.push(sealed);
    const { id, type } = blob;
    moved.push({ id, type, offset, length: sealed.length, uncompressedLength });
    offset += sealed.length;
  }
  const header = encodePackHeader(moved);
  const bytes = new Uint8Array(offset + header.length + envelopeOverhead + packTrailerBytes);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  sealInto(key, header, bytes.subarray(at));
  const trailerAt = bytes.length - packTrailerBytes;
  new DataView(bytes.buffer).setUint32(trailerAt, header.length + envelopeOverhead, true);
  assertReadable(key, bytes, moved);
  return { name: sha256(bytes), blobs: moved, bytes };
}

function verified(key: EnvelopeKey, stored: Uint8Array, blob: PackedBlob): Uint8Array {
  try {
    return openVerifiedBlob(key, stored, blob.uncompressedLength, blob.id);
  } catch (error) {
    if (!(error instanceof LifeboatError)) throw error;
    throw damaged(`blob ${blob.id}: ${error.message}`);
  }
}

function compressedAnew(key: EnvelopeKey, plain: Uint8Array, id: string): Uint8Array {
  const { length } = plain;
  const sealed = seal(key, compressBlob('tree', new Uint8Array(plain)));
  openVerifiedBlob(key, sealed, length, id);
  return sealed;
}

/** As whoever has lost the index will read it. */
function assertReadable(key: EnvelopeKey, pack: Uint8Array, wanted: readonly PackedBlob[]): void {
  const found = decodePackHeader(open(key, locatePackHeader(pack), 'pack header'));
  const isSame =
    found.length === wanted.length &&
    found.every((each, number) => {
      const other = wanted[number] as PackedBlob;
      return each.id === other.id && each.offset === other.offset && each.length === other.length;
    });
  if (!isSame) throw damaged('the header of a new pack does not read back');
}
