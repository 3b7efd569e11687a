import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { BlobId, TreeNode } from '../repository.ts';
import { encodeTree } from './tree.ts';
import { fileContents } from './tree-contents.ts';

const id = (text: string) => createHash('sha256').update(text).digest('hex') as BlobId;

function node(name: string, more: Partial<TreeNode>): TreeNode {
  const times = { mtimeNs: 0n, atimeNs: 0n, ctimeNs: 0n };
  return {
    name,
    type: 'file',
    mode: 0o600,
    uid: 0,
    gid: 0,
    links: 1,
    sizeBytes: 9,
    ...times,
    ...more,
  };
}

describe('contents of the files of a tree', () => {
  const long = Array.from({ length: 1000 }, (_, index) => id(String(index)));
  const tree = encodeTree([
    node('one', { content: [id('x')] }),
    node('"content":["', { content: [id('y'), id('z')], sizeBytes: 17 }),
    node('long', { content: long }),
    node('empty', { content: [], sizeBytes: 0 }),
    node('folder', { type: 'dir', subtree: id('t') }),
  ]);

  it('are what the tree names, file by file', () => {
    const files = fileContents(tree);
    expect([...files.keys()].sort()).toEqual(['"content":["', 'empty', 'long', 'one']);
    const hexOf = (name: string) => Buffer.from(files.get(name)?.ids ?? []).toString('hex');
    expect(hexOf('one')).toBe(id('x'));
    expect(hexOf('"content":["')).toBe(id('y') + id('z'));
    expect(hexOf('long')).toBe(long.join(''));
    expect(hexOf('empty')).toBe('');
    expect(files.get('"content":["')?.sizeBytes).toBe(17);
  });

  it('are refused where an id is none', () => {
    const text = tree.toString();
    const broken = [
      text.replace(id('y'), `${id('y').slice(1)}g`),
      text.replace(id('y'), id('y').slice(1)),
      text.replace(`${id('y')}","`, `${id('y')}";"`),
      text.replace(`["${id('x')}"]`, `[ "${id('x')}" ]`),
      text.slice(0, text.indexOf(id('y')) + 10),
    ];
    for (const each of broken) {
      expect(() => fileContents(Buffer.from(each))).toThrow(/tree|JSON/);
    }
  });
});
