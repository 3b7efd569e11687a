import type { EnvelopeKey } from '../crypto/envelope.ts';
import {
  strictTreeReferences,
  type TreeReferences,
  treeReferences,
} from '../format/tree-references.ts';
import type { BlobId } from '../repository.ts';
import { aboutFile } from '../stored-file.ts';
import { openVerifiedBlob } from './blob-codec.ts';
import type { WantedTree } from './worker-messages.ts';

/** What trees name, each once. Errors: `repository.damaged`, naming the pack. */
export function readReferences(
  key: EnvelopeKey,
  {
    pieces,
    trees,
    isStrict,
  }: {
    readonly pieces: readonly Uint8Array[];
    readonly trees: readonly WantedTree[];
    readonly isStrict: boolean;
  },
): TreeReferences {
  const decode = isStrict ? strictTreeReferences : treeReferences;
  const content = new Set<BlobId>();
  const subtrees = new Set<BlobId>();
  for (const { id, pack, piece, offset, length, uncompressedLength } of trees) {
    const sealed = (pieces[piece] as Uint8Array).subarray(offset, offset + length);
    aboutFile('data', pack, () => {
      const named = decode(openVerifiedBlob(key, sealed, uncompressedLength, id));
      for (const each of named.content) content.add(each);
      for (const each of named.subtrees) subtrees.add(each);
    });
  }
  return { content: [...content], subtrees: [...subtrees] };
}
