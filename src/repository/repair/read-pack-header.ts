import { envelopeOverhead, open } from '../crypto/envelope.ts';
import type { PackedBlob } from '../format/index-file.ts';
import { damaged } from '../format/json-shape.ts';
import {
  decodePackHeader,
  locatePackHeader,
  packSizeBytes,
  packTrailerBytes,
} from '../format/pack-header.ts';
import { aboutFile, type RepositoryAccess } from '../stored-file.ts';

/** Most headers are no longer: some 750 blobs. */
const guessBytes = 32 * 1024;

/** What a pack says it holds; its blobs are not read. Errors: `repository.damaged`, `location.*`. */
export async function readPackHeader(
  { location, masterKey }: RepositoryAccess,
  pack: { readonly name: string; readonly sizeBytes: number },
  signal?: AbortSignal,
): Promise<readonly PackedBlob[]> {
  const { name, sizeBytes } = pack;
  let tail = await readTail(Math.min(sizeBytes, guessBytes));
  return await aboutFileAsync(name, async () => {
    if (sizeBytes < packTrailerBytes + envelopeOverhead) throw damaged('pack: too short');
    const trailer = new DataView(tail.buffer, tail.byteOffset + tail.length - packTrailerBytes);
    const needed = trailer.getUint32(0, true) + packTrailerBytes;
    if (needed > tail.length && needed <= sizeBytes) tail = await readTail(needed);
    const blobs = decodePackHeader(open(masterKey, locatePackHeader(tail), 'pack header'));
    if (packSizeBytes(blobs) !== sizeBytes) {
      throw damaged('its header does not account for all of its bytes');
    }
    return blobs;
  });

  async function readTail(length: number): Promise<Uint8Array> {
    const range = { offset: sizeBytes - length, length };
    return await location.read('data', name, range, signal);
  }
}

async function aboutFileAsync<Value>(name: string, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    return aboutFile('data', name, () => {
      throw error;
    });
  }
}
