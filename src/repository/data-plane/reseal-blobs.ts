import { isLifeboatError } from '../../core/index.ts';
import { type EnvelopeKey, open } from '../crypto/envelope.ts';
import type { PackedBlob } from '../format/index-file.ts';
import { damaged } from '../format/json-shape.ts';
import { sha256 } from '../stored-file.ts';
import { inflateBlob } from './blob-codec.ts';
import { type PreparedBlob, prepareBlob } from './pack-builder.ts';
import type { PackSession } from './pack-session.ts';
import type { BlobProblem } from './worker-messages.ts';

/** Moves blobs from one repository's key to that of the session; those that are damaged are left out and reported. */
export function resealBlobs(
  request: {
    readonly key: EnvelopeKey;
    readonly piece: Uint8Array;
    readonly blobs: readonly PackedBlob[];
  },
  session: Pick<PackSession<unknown>, 'addPrepared'>,
): readonly BlobProblem[] {
  const problems: BlobProblem[] = [];
  for (const blob of request.blobs) {
    const sealed = request.piece.subarray(blob.offset, blob.offset + blob.length);
    let prepared: PreparedBlob;
    try {
      prepared = openPrepared(request.key, sealed, blob);
    } catch (error) {
      if (!isLifeboatError(error, 'repository.damaged')) throw error;
      problems.push({ blob, problem: error.message });
      continue;
    }
    session.addPrepared(blob.type, prepared);
  }
  return problems;
}

/** A frame stays as it is: compressing again would cost the most of all and win nothing. */
function openPrepared(key: EnvelopeKey, sealed: Uint8Array, blob: PackedBlob): PreparedBlob {
  const { id, type, uncompressedLength } = blob;
  const stored = open(key, sealed);
  const plain = inflateBlob(stored, uncompressedLength);
  if (sha256(plain) !== id) throw damaged('its bytes do not match its id');
  if (uncompressedLength === 0) return prepareBlob(type, id, plain);
  return { id, plain, stored, isProven: true };
}
