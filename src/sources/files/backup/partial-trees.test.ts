import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../../test/support/postgres.ts';
import type { BlobId, BlobSink } from '../../../repository/thread.ts';
import type { EntryNodes } from './entry-node.ts';
import { savePartialTrees } from './partial-trees.ts';
import { TreeSaver, type TreeSaverOptions } from './tree-saver.ts';
import { TreeText } from './tree-text.ts';

const sink = {
  save: () => ({ id: 'ab'.repeat(32) as BlobId, isNew: true }),
  flush() {},
};

it('has no tree for a folder whose way is none any more', () => {
  const folder = temporaryFolder('partial-trees');
  writeFileSync(join(folder, 'exchanged'), 'a file where there was a folder');
  const text = new TreeText();
  text.addNode('{"name":"a"}');
  const nodes = { head: () => '{"name":"folder"' } as unknown as EntryNodes;
  const treesOf = (path: string) =>
    savePartialTrees([{ path, text, inParent: undefined }], sink as unknown as BlobSink, nodes);
  // ENOTDIR, ENOENT, and what is there.
  expect(treesOf(join(folder, 'exchanged', 'below'))).toEqual([]);
  expect(treesOf(join(folder, 'gone'))).toEqual([]);
  expect(treesOf(folder)).toHaveLength(1);
  rmSync(folder, { recursive: true });
});

it.each([
  ['EIO', 'file.unreadable'],
  ['ENOSPC', 'disk.full'],
])('a checkpoint that meets %s while a file is read is not about that file', (code, wanted) => {
  let breathe = () => {};
  const exchange = {
    isCheckpointWanted: true,
    isLastCheckpoint: false,
    // Packs are handed over at even numbers.
    beginCheckpoint: () => 2,
  };
  new TreeSaver({
    exchange,
    shared: {
      attach(_handle: unknown, work: () => void) {
        breathe = work;
      },
    },
    sink: {
      ...sink,
      flush() {
        throw Object.assign(new Error(code), { code });
      },
    },
  } as unknown as TreeSaverOptions);
  expect(breathe).toThrow(expect.objectContaining({ code: wanted }));
});
