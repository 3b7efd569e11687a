import { arrayField, asHash, asObject, parseObject } from '../format/json-shape.ts';
import type { BlobId } from '../repository.ts';

export interface TreeReferences {
  readonly subtrees: readonly BlobId[];
  readonly content: readonly BlobId[];
}

/** The blobs that a stored tree names; nothing else of it is looked at. Errors: `repository.damaged`. */
export function treeReferences(bytes: Uint8Array): TreeReferences {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  const subtrees: BlobId[] = [];
  const content: BlobId[] = [];
  for (const value of arrayField(parseObject(text, 'tree'), 'nodes')) {
    const node = asObject(value, 'node');
    if (node.subtree !== undefined && node.subtree !== null) {
      subtrees.push(asHash(node.subtree, 'subtree') as BlobId);
    }
    if (node.content === undefined || node.content === null) continue;
    for (const id of arrayField(node, 'content')) content.push(asHash(id, 'content') as BlobId);
  }
  return { subtrees, content };
}
