import type { BlobId } from '../repository.ts';
import { arrayField, asHash, asObject, damaged, parseObject } from './json-shape.ts';
import { decodeTree } from './tree.ts';

export interface TreeReferences {
  readonly content: readonly BlobId[];
  readonly subtrees: readonly BlobId[];
}

/** JavaScript has no longer strings. */
export const maxTreeBytes = 512 * 1024 * 1024 - 1024;

/**
 * The blobs that a stored tree needs. Takes more than `decodeTree`: a node that nobody can restore (of an unknown
 * type, with a name that is none) keeps its blobs all the same. Errors: `repository.damaged`.
 */
export function treeReferences(bytes: Uint8Array): TreeReferences {
  if (bytes.length > maxTreeBytes) throw damaged('tree: too long to be read');
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  const content: BlobId[] = [];
  const subtrees: BlobId[] = [];
  for (const value of arrayField(parseObject(text, 'tree'), 'nodes')) {
    const node = asObject(value, 'node');
    if (node.subtree !== undefined && node.subtree !== null) {
      subtrees.push(asHash(node.subtree, 'subtree') as BlobId);
    }
    if (node.content === undefined || node.content === null) continue;
    for (const id of arrayField(node, 'content')) content.push(asHash(id, 'content') as BlobId);
  }
  return { content, subtrees };
}

/** As `treeReferences`, but everything that a node says must be right. Errors: `repository.damaged`. */
export function strictTreeReferences(bytes: Uint8Array): TreeReferences {
  const nodes = decodeTree(bytes);
  return {
    content: nodes.flatMap(({ content = [] }) => content),
    subtrees: nodes.flatMap(({ subtree }) => (subtree === undefined ? [] : [subtree])),
  };
}
