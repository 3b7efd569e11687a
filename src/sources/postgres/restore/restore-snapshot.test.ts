import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { temporaryFolder } from '../../../../test/support/postgres.ts';
import type {
  BlobId,
  BlobOutcome,
  ReaderOptions,
  Repository,
  Snapshot,
  TreeNode,
} from '../../../repository/index.ts';
import { restoreSnapshot } from './restore-snapshot.ts';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const parent = temporaryFolder('snapshot');
  folders.push(parent);
  return join(parent, 'restored');
}

const owner = { mode: 0o7777, mtimeNs: 0n, uid: 12_345, gid: 12_345 };
const file = (name: string, sizeBytes = 1): TreeNode => ({
  ...owner,
  name,
  type: 'file',
  sizeBytes,
  content: ['blob' as BlobId],
});
const folder = (name: string, subtree: string): TreeNode => ({
  ...owner,
  name,
  type: 'dir',
  subtree: subtree as BlobId,
});

const snapshot = { id: 'snapshot', tree: 'root' } as unknown as Snapshot;

/** Reads nothing but the byte 7. */
const reader = {
  plainBytesOf: () => 1,
  readBlobs: async (
    _: string,
    ids: readonly BlobId[],
    onBlob: (number: number, outcome: BlobOutcome) => void,
  ) => {
    for (const number of ids.keys()) onBlob(number, Uint8Array.of(7));
  },
};

/** A repository of these trees; `data` is the data directory, every file holds one byte. Its readers are no threads. */
function repositoryOf(trees: Record<string, readonly TreeNode[]>): Repository {
  return {
    readTree: async (id: string) => trees[id] ?? [],
    findNode: async () => folder('data', 'data'),
    blobIndex: async () => ({ find: () => ({ uncompressedLength: 1 }) }),
    startReaders: async ({ module, setup }: ReaderOptions) => {
      const handle = (await import(module.href)).startReading(reader, setup);
      return {
        count: 1,
        isLocal: true,
        run: (_: number, request: unknown) => handle(request),
        [Symbol.asyncDispose]: async () => {},
      };
    },
  } as unknown as Repository;
}

const whole = { data: [folder('global', 'global')], global: [file('pg_control')] };

test('writes files with safe modes, the control file among them', async () => {
  const target = newFolder();
  const repository = repositoryOf({ ...whole, data: [...whole.data, file('PG_VERSION')] });
  const restored = await restoreSnapshot({ repository, snapshot, folder: target });
  expect(restored).toEqual({ files: 2, bytes: 2 });
  expect((await stat(join(target, 'global'))).mode & 0o7777).toBe(0o700);
  expect((await stat(join(target, 'PG_VERSION'))).mode & 0o7777).toBe(0o600);
  expect(readFileSync(join(target, 'global/pg_control'))).toEqual(Buffer.of(7));
});

test.each<[string, TreeNode]>([
  ['..', folder('..', 'global')],
  ['a slash', file('a/b')],
  ['an absolute path', file('/etc/passwd')],
  ['nothing', file('')],
  ['a zero byte', file('a\0b')],
  ['a symbolic link', { ...file('link'), type: 'symlink', linkTarget: '/etc' }],
  ['a device', { ...file('device'), type: 'dev' }],
])('refuses a snapshot that holds %s', async (_, node) => {
  const target = newFolder();
  const repository = repositoryOf({ ...whole, data: [...whole.data, node] });
  await expect(restoreSnapshot({ repository, snapshot, folder: target })).rejects.toMatchObject({
    code: 'target.unsafe',
  });
  expect(readdirSync(join(target, '..'))).toEqual(['restored']);
  expect(existsSync(join(target, 'global/pg_control'))).toBe(false);
});

test('a file that stands there twice, of another size, or no control file is told', async () => {
  const refused = async (trees: Record<string, readonly TreeNode[]>, code: string) => {
    const repository = repositoryOf(trees);
    await expect(
      restoreSnapshot({ repository, snapshot, folder: newFolder() }),
    ).rejects.toMatchObject({ code });
  };
  await refused({ ...whole, data: [...whole.data, file('a'), file('a')] }, 'target.unsafe');
  await refused({ ...whole, data: [...whole.data, file('a', 2)] }, 'repository.damaged');
  await refused({ data: [file('a')] }, 'repository.damaged');
});
