import { LifeboatError } from '../../core/index.ts';
import type { BlobIndex } from '../index/blob-index.ts';
import type { BlobId } from '../repository.ts';

export type BlobQuery = 'blob' | 'tree' | 'pack';

export interface FoundBlobs {
  readonly blobs: ReadonlySet<BlobId>;
  readonly trees: ReadonlySet<BlobId>;
}

/**
 * The blobs that ids, or their beginnings, name: data or tree blobs themselves, or all that lie in a pack. Errors:
 * `usage.invalid`, `repository.blob-missing` when one names nothing.
 */
export function blobsByPrefix(
  index: BlobIndex,
  kind: BlobQuery,
  prefixes: readonly string[],
): FoundBlobs {
  const wrong = prefixes.find((prefix) => !/^[0-9a-f]{4,64}$/.test(prefix));
  if (wrong !== undefined) {
    throw new LifeboatError('usage.invalid', `${JSON.stringify(wrong)} is no id`, {
      hint: 'An id is 64 hex digits; its first four or more are enough.',
    });
  }
  const [blobs, trees] = [new Set<BlobId>(), new Set<BlobId>()];
  const unseen = new Set(prefixes);
  for (let row = 0; row < index.blobCount; row++) {
    const id = index.idAt(row);
    const type = index.typeAt(row);
    if (kind === 'tree' && type !== 'tree') continue;
    const name = kind === 'pack' ? index.placeAt(row).pack : id;
    const prefix = prefixes.find((each) => name.startsWith(each));
    if (prefix === undefined) continue;
    unseen.delete(prefix);
    (type === 'tree' ? trees : blobs).add(id);
  }
  const [missing] = unseen;
  if (missing === undefined) return { blobs, trees };
  throw new LifeboatError(
    'repository.blob-missing',
    `no ${kind} in the index begins with ${missing}`,
    {
      hint: 'Run `lifeboat check` to see whether something is missing.',
      context: { id: missing },
    },
  );
}
