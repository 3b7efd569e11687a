import type { TreeNode } from '../repository.ts';
import { arrayField, damaged, parseObject } from './json-shape.ts';
import { nameBytes } from './raw-name.ts';
import { decodeNode, encodeNode } from './tree-node.ts';

/**
 * A directory in restic's canonical bytes: sorted by raw name, restic's field order and omissions, one trailing
 * newline. restic's `rewrite` refuses trees that it would write differently.
 */
export function encodeTree(nodes: readonly TreeNode[]): Buffer {
  const sorted = sortByName(nodes);
  return Buffer.from(`{"nodes":[${sorted.map(encodeNode).join(',')}]}\n`, 'utf8');
}

/** Errors: `repository.damaged`. */
export function decodeTree(bytes: Uint8Array): readonly TreeNode[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  const nodes = arrayField(parseObject(quoteLongNumbers(text), 'tree'), 'nodes').map(decodeNode);
  const names = new Set(nodes.map((node) => node.name));
  if (names.size !== nodes.length) throw damaged('tree: a name occurs twice');
  return nodes;
}

/** Numbers above 2^53 (inodes on ZFS and btrfs) would lose digits in JSON.parse; as strings they do not. An
 * unescaped quote before the colon cannot lie inside a string, so this touches fields only. */
function quoteLongNumbers(text: string): string {
  return text.replace(/"(inode|device_id|device)":(\d{16,})/g, '"$1":"$2"');
}

function sortByName(nodes: readonly TreeNode[]): readonly TreeNode[] {
  const keyed = nodes.map((node) => ({ node, key: nameBytes(node.name) }));
  keyed.sort((a, b) => Buffer.compare(a.key, b.key));
  for (const [number, { key, node }] of keyed.entries()) {
    const next = keyed[number + 1];
    if (next !== undefined && key.equals(next.key)) throw damaged(`two nodes named ${node.name}`);
  }
  return keyed.map(({ node }) => node);
}
