import { isLifeboatError } from '../../core/index.ts';
import type { EnvelopeKey } from '../crypto/envelope.ts';
import { damaged } from '../format/json-shape.ts';
import { openVerifiedBlob } from './blob-codec.ts';
import type { WantedBlob } from './worker-messages.ts';

/** The plain bytes of blobs, each verified, put together in one buffer. Errors: `repository.damaged`. */
export function decodeBlobs(
  key: EnvelopeKey,
  pieces: readonly Uint8Array[],
  blobs: readonly WantedBlob[],
  plainBytes: number,
): Uint8Array<ArrayBuffer> {
  const target = new Uint8Array(plainBytes);
  for (const blob of blobs) {
    const piece = pieces[blob.piece] as Uint8Array;
    const sealed = piece.subarray(blob.offset, blob.offset + blob.length);
    const plain = decodeOne(key, sealed, blob);
    for (const at of blob.targets) target.set(plain, at);
  }
  return target;
}

function decodeOne(key: EnvelopeKey, sealed: Uint8Array, blob: WantedBlob): Uint8Array {
  try {
    return openVerifiedBlob(key, sealed, blob.uncompressedLength, blob.id);
  } catch (error) {
    if (!isLifeboatError(error, 'repository.damaged')) throw error;
    throw damaged(`blob ${blob.id}: ${error.message}`);
  }
}
