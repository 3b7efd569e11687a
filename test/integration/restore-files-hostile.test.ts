import { execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BackupWriter, BlobId, TreeNode } from '../../src/repository/index.ts';
import { type RestoreFilesOptions, restoreFiles } from '../../src/sources/index.ts';
import { type LocalRepository, localRepository } from '../support/local-repository.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { fileNode, folderNode, linkNode, saved, storeTree } from '../support/stored-tree.ts';

let place: LocalRepository;
let folder: string;
let target: string;
let outside: string;

beforeAll(async () => {
  place = await localRepository();
});

afterAll(() => place[Symbol.asyncDispose]());

beforeEach(() => {
  folder = temporaryFolder('hostile');
  target = join(folder, 'target');
  outside = join(folder, 'outside');
  mkdirSync(target);
  mkdirSync(outside);
  writeFileSync(join(outside, 'precious'), 'precious');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function restore(
  build: (writer: BackupWriter) => Promise<readonly TreeNode[]>,
  options: Partial<RestoreFilesOptions> = {},
) {
  const { repository } = place;
  const snapshot = await storeTree(repository, build);
  return await restoreFiles({ repository, snapshot, target, ...options });
}

function expectOutsideUntouched() {
  expect(readdirSync(outside)).toEqual(['precious']);
  expect(readFileSync(join(outside, 'precious'), 'utf8')).toBe('precious');
  expect(readdirSync(folder).sort()).toEqual(['outside', 'target']);
}

describe('a hostile snapshot', () => {
  it.each(['../outside/new', '..', 'a/b', '/etc/x'])('cannot name %j', async (name) => {
    const result = await restore(async (writer) => {
      const bad = await writer.saveTree([
        fileNode({ name, content: await saved(writer, 'bad') }),
        fileNode({ name: 'beside', content: await saved(writer, 'beside') }),
      ]);
      return [
        folderNode('bad', bad),
        fileNode({ name: 'good', content: await saved(writer, 'good') }),
      ];
    });
    expect(result.problems).toMatchObject([
      { path: 'bad', problem: expect.stringContaining('name') },
    ]);
    expect(readFileSync(join(target, 'good'), 'utf8')).toBe('good');
    expectOutsideUntouched();
  });

  it('cannot claim a size that makes it wait or fill memory', async () => {
    const result = await restore(async (writer) => {
      const content = await saved(writer, 'short');
      const many = Array.from({ length: 100_000 }, () => content[0] as BlobId);
      return [
        fileNode({ name: 'huge', sizeBytes: Number.MAX_SAFE_INTEGER, content }),
        fileNode({ name: 'empty', sizeBytes: 2 ** 50 }),
        fileNode({ name: 'many', content: many }),
        fileNode({ name: 'missing', sizeBytes: 2 ** 50, content: ['ab'.repeat(32) as BlobId] }),
        fileNode({
          name: 'missing too',
          content: [...many.slice(0, 500), 'cd'.repeat(32) as BlobId],
        }),
      ];
    });
    expect(result.problems.map(({ path }) => path).sort()).toEqual(['missing', 'missing too']);
    expect(readFileSync(join(target, 'huge'), 'utf8')).toBe('short');
    expect(lstatSync(join(target, 'empty')).size).toBe(0);
    expect(lstatSync(join(target, 'many')).size).toBe(500_000);
  });

  it('with a folder whose tree is no tree keeps the rest, and deletes nothing there', async () => {
    mkdirSync(join(target, 'broken'));
    writeFileSync(join(target, 'broken/mine'), 'mine');
    const result = await restore(
      async (writer) => [
        folderNode('broken', 'ab'.repeat(32) as BlobId),
        folderNode('whole', await writer.saveTree([fileNode({ name: 'x' })])),
      ],
      { deleteExtra: true },
    );
    expect(result.problems.map(({ path }) => path)).toEqual(['broken']);
    expect(readFileSync(join(target, 'broken/mine'), 'utf8')).toBe('mine');
    expect(existsSync(join(target, 'whole/x'))).toBe(true);
  });

  it('cannot write through a link that it brings itself', async () => {
    const result = await restore(async (writer) => {
      const inside = await writer.saveTree([
        fileNode({ name: 'new', content: await saved(writer, 'x') }),
      ]);
      // Two runs: the first leaves the link, the second has a folder of that name.
      return [folderNode('z', inside), linkNode('link', outside)];
    });
    expect(result.problems).toEqual([]);
    const second = await restore(async (writer) => [
      folderNode(
        'link',
        await writer.saveTree([fileNode({ name: 'new', content: await saved(writer, 'x') })]),
      ),
    ]);
    expect(second.problems).toEqual([]);
    expect(lstatSync(join(target, 'link')).isDirectory()).toBe(true);
    expectOutsideUntouched();
  });
});

describe('a target that was prepared with links', () => {
  const tree = async (writer: BackupWriter) => {
    const deep = await writer.saveTree([
      fileNode({ name: 'precious', content: await saved(writer, 'stored') }),
    ]);
    return [
      folderNode('folder', deep, { mode: 0o700 }),
      fileNode({ name: 'file', content: await saved(writer, 'stored') }),
      fileNode({ name: 'fifo', content: await saved(writer, 'stored') }),
    ];
  };
  beforeEach(() => {
    symlinkSync(outside, join(target, 'folder'));
    symlinkSync(join(outside, 'precious'), join(target, 'file'));
    execFileSync('mkfifo', [join(target, 'fifo')]);
  });

  it.each(['always', 'if-changed', 'if-newer', 'never'] as const)(
    'is never left (%s)',
    async (overwrite) => {
      await restore(tree, { overwrite });
      expectOutsideUntouched();
      const isReplaced = overwrite === 'always' || overwrite === 'if-changed';
      expect(lstatSync(join(target, 'folder')).isDirectory()).toBe(isReplaced);
      expect(lstatSync(join(target, 'file')).isSymbolicLink()).toBe(!isReplaced);
      expect(lstatSync(join(target, 'fifo')).isFIFO()).toBe(!isReplaced);
    },
  );

  it('loses only the links to --delete', async () => {
    const result = await restore(async () => [], { deleteExtra: true });
    expect(result.counts.deletedEntries).toBe(3);
    expect(readdirSync(target)).toEqual([]);
    expectOutsideUntouched();
  });

  it('is never left by a plan', async () => {
    const result = await restore(tree, { isPlan: true, deleteExtra: true });
    expect(result.counts).toMatchObject({ replacedFiles: 2, newFiles: 1, folders: 1 });
    expect(lstatSync(join(target, 'folder')).isSymbolicLink()).toBe(true);
    expectOutsideUntouched();
  });
});

it('another process that swaps folders for links meanwhile gains nothing', {
  timeout: 60_000,
}, async () => {
  const script = `
    const fs = require('node:fs');
    const [target, outside] = process.argv.slice(1);
    process.stdout.write('ready');
    for (;;) for (let i = 0; i < 8; i++) {
      const path = target + '/d' + i;
      try { fs.renameSync(path, path + '-moved-' + Math.random()); fs.symlinkSync(outside, path); } catch {}
    }`;
  const swapper = spawn(process.execPath, ['-e', script, target, outside]);
  try {
    await new Promise((resolve) => swapper.stdout.once('data', resolve));
    for (let round = 0; round < 2; round++) {
      await restore(
        async (writer) => {
          const nodes: TreeNode[] = [];
          for (let i = 0; i < 8; i++) {
            const files: TreeNode[] = [];
            for (let j = 0; j < 100; j++) {
              files.push(
                fileNode({ name: `f${j}`, content: await saved(writer, `${round} ${i} ${j}`) }),
              );
            }
            nodes.push(folderNode(`d${i}`, await writer.saveTree(files)));
          }
          return nodes;
        },
        { overwrite: 'always' },
      );
    }
  } finally {
    swapper.kill('SIGKILL');
  }
  expectOutsideUntouched();
});
