import { LifeboatError } from '../../../core/index.ts';
import type { BlobId, Repository } from '../../../repository/index.ts';

/** What encryption adds to a blob. */
const sealBytes = 32;

/** How long the plain bytes of a blob are. Errors of what it gives: `repository.blob-missing`. */
export async function blobLengths(
  repository: Repository,
  signal?: AbortSignal,
): Promise<(id: BlobId) => number> {
  const index = await repository.blobIndex(signal);
  return (id) => {
    const place = index.find('data', id);
    if (place) return place.uncompressedLength || place.length - sealBytes;
    throw new LifeboatError('repository.blob-missing', `data blob ${id} is in no index`, {
      hint: 'Run `lifeboat check` to see what is affected.',
      context: { blob: id },
    });
  };
}
