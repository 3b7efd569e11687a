import { readFileSync } from 'node:fs';
import { LifeboatError } from '../../../core/index.ts';
import type { TreeNode } from '../../../repository/index.ts';

export interface OwnerChange {
  /** A number, or a name as it was when the snapshot was made. */
  readonly from: string;
  readonly to: number;
}

/** Who shall own what is restored. */
export interface OwnerMapping {
  /** False: whoever restores. */
  readonly isKept: boolean;
  readonly users: readonly OwnerChange[];
  readonly groups: readonly OwnerChange[];
}

export const keepOwners: OwnerMapping = { isKept: true, users: [], groups: [] };

/**
 * From the texts of `--owner-map` and `--group-map`: `from:to` with numbers or names, or `none`. What is not mentioned keeps its
 * number. Errors: `usage.invalid`.
 */
export function parseOwnerMapping(
  users: readonly string[],
  groups: readonly string[],
): OwnerMapping {
  if (users.includes('none') || groups.includes('none')) {
    return { isKept: false, users: [], groups: [] };
  }
  return {
    isKept: true,
    users: users.map((text) => parseChange(text, '/etc/passwd')),
    groups: groups.map((text) => parseChange(text, '/etc/group')),
  };
}

export function mappedOwner(
  node: TreeNode,
  { users, groups }: OwnerMapping,
): { readonly uid: number; readonly gid: number } {
  if (users.length === 0 && groups.length === 0) return node;
  return {
    uid: mapped(node.uid, node.user, users),
    gid: mapped(node.gid, node.group, groups),
  };
}

function mapped(id: number, name: string | undefined, changes: readonly OwnerChange[]): number {
  const change = changes.find(({ from }) => from === String(id) || (name && from === name));
  return change?.to ?? id;
}

function parseChange(text: string, database: string): OwnerChange {
  const [from, to, ...more] = text.split(':');
  if (!from || !to || more.length > 0) {
    throw invalid(`${JSON.stringify(text)} is no mapping of owners`);
  }
  const id = /^\d+$/.test(to) ? Number(to) : idOf(to, database);
  if (id === undefined) throw invalid(`nobody is called ${JSON.stringify(to)} here`);
  if (id > 0xffff_fffe) throw invalid(`${to} is no number of an account`);
  return { from, to: id };
}

function idOf(name: string, database: string): number | undefined {
  for (const line of readFileSync(database, 'utf8').split('\n')) {
    const [each, , id] = line.split(':');
    if (each === name && id !== undefined && /^\d+$/.test(id)) return Number(id);
  }
  return undefined;
}

function invalid(fact: string): LifeboatError {
  return new LifeboatError('usage.invalid', fact, {
    hint: 'Write FROM:TO, each a number or a name, for example 1000:33 or joe:www-data; or none.',
  });
}
