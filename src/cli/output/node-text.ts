import type { TreeNode } from '../../repository/index.ts';
import { formatMoment } from '../moment.ts';
import { printable } from './printable.ts';

const typeLetters: Readonly<Record<TreeNode['type'], string>> = {
  file: '-',
  dir: 'd',
  symlink: 'l',
  dev: 'b',
  chardev: 'c',
  fifo: 'p',
  socket: 's',
};

/** `-rw-r--r--`, as `ls -l` has it. */
export function permissions({ type, mode }: Pick<TreeNode, 'type' | 'mode'>): string {
  const letters = [...'rwxrwxrwx'].map((letter, at) => (mode & (0o400 >> at) ? letter : '-'));
  const special = (bit: number, at: number, letter: string) => {
    if (!(mode & bit)) return;
    letters[at] = letters[at] === '-' ? letter.toUpperCase() : letter;
  };
  special(0o4000, 2, 's');
  special(0o2000, 5, 's');
  special(0o1000, 8, 't');
  return `${typeLetters[type]}${letters.join('')}`;
}

/** A line of a long listing. */
export function longLine(path: string, node: TreeNode): string {
  const owner = `${node.user ?? node.uid}:${node.group ?? node.gid}`;
  const size = node.type === 'file' ? String(node.sizeBytes ?? 0) : '';
  const modified = formatMoment(new Date(Number(node.mtimeNs / 1_000_000n)));
  return `${permissions(node)} ${printable(owner).padEnd(13)} ${size.padStart(12)} ${modified} ${nodePath(path, node)}`;
}

/** With the target of a link. */
export function nodePath(path: string, node: TreeNode): string {
  const target = node.linkTarget === undefined ? '' : ` -> ${printable(node.linkTarget)}`;
  return printable(path) + target;
}

/** For programs. Names keep every byte: what is no UTF-8 stands as a lone surrogate, which JSON escapes. */
export function nodeRecord(path: string, node: TreeNode) {
  const { type, mode, uid, gid, user, group, sizeBytes, links, inode, linkTarget } = node;
  const time = (ns: bigint | undefined) =>
    ns === undefined ? undefined : new Date(Number(ns / 1_000_000n));
  return {
    path,
    name: node.name,
    nodeType: type,
    mode,
    permissions: permissions(node),
    uid,
    gid,
    user,
    group,
    ...(type === 'file' ? { sizeBytes: sizeBytes ?? 0 } : {}),
    modified: time(node.mtimeNs),
    modifiedNs: node.mtimeNs,
    accessed: time(node.atimeNs),
    changed: time(node.ctimeNs),
    inode,
    links,
    linkTarget,
  };
}
