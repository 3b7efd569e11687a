import { describe, expect, it } from 'vitest';
import type { BackupWriter, BlobId, TreeNode } from '../../../repository/index.ts';
import { SnapshotTree } from './snapshot-tree.ts';

const owner = { uid: 7, gid: 8, mtimeSeconds: 1000 };
const file = { mode: 0o600, ...owner, sizeBytes: 3, content: ['a' as BlobId] };

function treeWriter() {
  const trees = new Map<string, readonly TreeNode[]>();
  const writer = {
    saveTree: async (nodes: readonly TreeNode[]) => {
      trees.set(`tree${trees.size}`, nodes);
      return `tree${trees.size - 1}` as BlobId;
    },
  } as unknown as BackupWriter;
  return { trees, writer };
}

describe('snapshot tree', () => {
  it('saves folders from the leaves up, with the entries they were given', async () => {
    const tree = new SnapshotTree({ mode: 0o755, ...owner });
    tree.addFile('data/base/1/1259', file);
    tree.addDirectory('data', { mode: 0o700, ...owner });
    tree.addDirectory('data/empty/', { mode: 0o700, ...owner });
    const { trees, writer } = treeWriter();
    const root = trees.get(await tree.save(writer));
    const data = root?.[0];
    expect(data).toMatchObject({ name: 'data', type: 'dir', mode: 0o700, uid: 7, gid: 8 });
    const names = trees.get(data?.subtree as string)?.map((node) => node.name);
    expect(names?.sort()).toEqual(['base', 'empty']);
    const [leaf] = [...trees.values()].flat().filter((node) => node.type === 'file');
    expect(leaf).toMatchObject({
      name: '1259',
      mode: 0o600,
      mtimeNs: 1_000_000_000_000n,
      sizeBytes: 3,
      content: ['a'],
    });
    expect(tree.has('data/base/1/1259')).toBe(true);
    expect(tree.has('data/base/2')).toBe(false);
    expect([tree.filesTotal, tree.bytesTotal]).toEqual([1, 3]);
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
