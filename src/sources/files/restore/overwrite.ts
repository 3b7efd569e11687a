import type { BigIntStats } from 'node:fs';
import type { TreeNode } from '../../../repository/index.ts';

/** What happens to an entry that is there already. */
export const overwritePolicies = ['always', 'if-changed', 'if-newer', 'never'] as const;
export type OverwritePolicy = (typeof overwritePolicies)[number];

/** `same`: it is right but for its attributes. `keep`: it is left alone entirely. */
export type Decision = 'same' | 'replace' | 'keep';

/** What is to be done for a file that is not left alone. */
export type Placement = 'create' | Exclude<Decision, 'keep'>;

/** On a file by size and time of modification; whoever wants it by content looks on. */
export function decideFile(
  policy: OverwritePolicy,
  node: TreeNode,
  existing: BigIntStats,
): Decision {
  if (policy === 'never') return 'keep';
  if (policy === 'if-newer' && existing.mtimeNs >= node.mtimeNs) {
    return existing.isFile() && looksEqual(node, existing) ? 'same' : 'keep';
  }
  if (policy === 'always' || !existing.isFile()) return 'replace';
  return looksEqual(node, existing) ? 'same' : 'replace';
}

/** On a link, a FIFO or a device, once it was found not to be equal. */
export function decideOther(
  policy: OverwritePolicy,
  node: TreeNode,
  existing: BigIntStats,
): Decision {
  if (policy === 'never') return 'keep';
  return policy === 'if-newer' && existing.mtimeNs >= node.mtimeNs ? 'keep' : 'replace';
}

function looksEqual(node: TreeNode, existing: BigIntStats): boolean {
  return existing.size === BigInt(node.sizeBytes ?? 0) && existing.mtimeNs === node.mtimeNs;
}
