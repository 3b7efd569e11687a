import { describe, expect, it } from 'vitest';
import { decodeTree, encodeTree } from '../../../repository/format/tree.ts';
import type { BlobId } from '../../../repository/index.ts';
import { SnapshotTree } from './snapshot-tree.ts';

const owner = { uid: 7, gid: 8, mtimeSeconds: 1000 };
const ids = new Uint8Array(64).fill(0xab, 0, 32).fill(0xcd, 32);
const file = { mode: 0o600, ...owner, content: { sizeBytes: 3, ids } };

interface Saved {
  readonly nodes: readonly (Record<string, unknown> & { name: string; subtree?: string })[];
}

function treeWriter() {
  const trees = new Map<string, Saved & { text: string }>();
  const save = async (bytes: Uint8Array) => {
    const text = Buffer.from(bytes).toString();
    trees.set(`tree${trees.size}`, { ...(JSON.parse(text) as Saved), text });
    return `tree${trees.size - 1}` as BlobId;
  };
  return { trees, save };
}

describe('snapshot tree', () => {
  it('saves folders from the leaves up, with the entries they were given', async () => {
    const tree = new SnapshotTree({ mode: 0o755, ...owner });
    tree.addFile('data/base/1/1259', file);
    tree.addDirectory('data', { mode: 0o700, ...owner });
    tree.addDirectory('data/empty/', { mode: 0o700, ...owner });
    const { trees, save } = treeWriter();
    const root = trees.get(await tree.save(save));
    const data = root?.nodes[0];
    expect(data).toMatchObject({ name: 'data', type: 'dir', mode: 0x80000000 + 0o700, uid: 7 });
    const names = trees.get(data?.subtree as string)?.nodes.map((node) => node.name);
    expect(names).toEqual(['base', 'empty']);
    const leaf = [...trees.values()].find(({ nodes }) => nodes[0]?.name === '1259');
    const content = ['ab'.repeat(32), 'cd'.repeat(32)];
    expect(leaf?.nodes[0]).toMatchObject({ mtime: '1970-01-01T00:16:40Z', size: 3, content });
    expect(tree.has('data/base/1/1259')).toBe(true);
    expect(tree.has('data/base/2')).toBe(false);
    expect([tree.filesTotal, tree.bytesTotal]).toEqual([1, 3]);
  });

  it('encodes a folder as restic does', async () => {
    const tree = new SnapshotTree({ mode: 0o700, ...owner });
    for (const name of ['b', 'a.1', 'a', 'ü "x"', 'none']) tree.addFile(name, file);
    tree.addFile('empty', { ...file, content: { sizeBytes: 0, ids: new Uint8Array(0) } });
    const { trees, save } = treeWriter();
    const root = trees.get(await tree.save(save));
    const nodes = decodeTree(Buffer.from(root?.text as string));
    expect(nodes.map((node) => node.name)).toEqual(['a', 'a.1', 'b', 'empty', 'none', 'ü "x"']);
    expect(encodeTree(nodes).toString()).toBe(root?.text);
  });

  it('refuses names that leave it, come twice or lie below a file', () => {
    const tree = new SnapshotTree({ mode: 0o755, ...owner });
    for (const path of ['/etc/passwd', '../x', 'data/../../x', 'a\0b', '', './']) {
      expect(() => tree.addFile(path, file), path).toThrow(/sent a path/);
    }
    tree.addFile('data/a', file);
    expect(() => tree.addFile('data/a', file)).toThrow(/twice/);
    expect(() => tree.addFile('data/a/b', file)).toThrow(/below a file/);
  });
});
