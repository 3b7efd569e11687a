import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { temporaryFolder } from '../../../../test/support/postgres.ts';
import { bringClusterToDisk } from './cluster-to-disk.ts';

const disk = vi.hoisted(() => ({ synced: [] as string[], fails: '', goes: '' }));
vi.mock('node:fs/promises', async (original) => {
  const actual = await original<typeof import('node:fs/promises')>();
  return {
    ...actual,
    open: async (path: string, flags: number) => {
      if (path === disk.goes) rmSync(path);
      const file = await actual.open(path, flags);
      return {
        close: () => file.close(),
        sync: async () => {
          if (path === disk.fails) throw Object.assign(new Error('EIO'), { code: 'EIO' });
          await file.sync();
          disk.synced.push(path);
        },
      };
    },
  };
});

let parent: string;
let folder: string;
beforeEach(() => {
  parent = temporaryFolder('to-disk');
  folder = join(parent, 'data');
  for (const each of ['data/base/5', 'data/pg_tblspc', 'fast', 'wal']) {
    mkdirSync(join(parent, each), { recursive: true });
  }
  for (const each of ['data/PG_VERSION', 'data/base/5/1259', 'fast/16390', 'wal/segment']) {
    writeFileSync(join(parent, each), 'bytes');
  }
  symlinkSync(join(parent, 'wal'), join(folder, 'pg_wal'));
  symlinkSync(join(parent, 'fast'), join(folder, 'pg_tblspc/16385'));
  Object.assign(disk, { synced: [], fails: '', goes: '' });
});
afterEach(() => rmSync(parent, { recursive: true }));

const seen = () => disk.synced.map((path) => relative(parent, path));

it('brings every file and then every folder to the disk, also where links of a cluster lead', async () => {
  await bringClusterToDisk(folder);
  expect(seen().slice(0, 4).sort()).toEqual([
    'data/PG_VERSION',
    'data/base/5/1259',
    'fast/16390',
    'wal/segment',
  ]);
  expect(seen().slice(4).sort()).toEqual([
    'data',
    'data/base',
    'data/base/5',
    'data/pg_tblspc',
    'fast',
    'wal',
  ]);
});

it('passes over what a server removes meanwhile', async () => {
  disk.goes = join(folder, 'base/5/1259');
  await bringClusterToDisk(folder);
  expect(seen()).toContain('data/PG_VERSION');
  expect(seen()).not.toContain('data/base/5/1259');
});

it('fails with the disk', async () => {
  disk.fails = join(parent, 'fast/16390');
  await expect(bringClusterToDisk(folder)).rejects.toThrow('fast/16390');
});
