import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { dyingBefore } from '../../../../test/support/dying-actions.ts';
import { folderPlace } from '../../../../test/support/ground-places.ts';
import { startPostgres, temporaryFolder } from '../../../../test/support/postgres.ts';
import { serversUnderTest } from '../../../../test/support/servers.ts';
import { need } from '../../../../test/support/skip.ts';
import { smallDisk } from '../../../../test/support/small-disk.ts';
import { testTreeGround } from '../ground-contract.ts';
import { TreeGround } from '../tree-ground.ts';
import { diskActions } from './folder-actions.ts';
import { FolderPlace } from './folder-place.ts';

testTreeGround('folder, moved on one file system', (context) => folderPlace(context, 'moved'), {
  keepsAttributes: true,
  isKilled: true,
});

testTreeGround(
  'folder behind a link, copied from another file system',
  (context) => folderPlace(context, 'link'),
  { keepsAttributes: true, isKilled: false },
);

testTreeGround('folder that is a mount point', (context) => folderPlace(context, 'mount point'), {
  keepsAttributes: true,
  isKilled: false,
});

describe('a folder as a ground', () => {
  for (const [how, code, told] of [
    ['the room is known to be too little', 'ground.no-room', 6_000_000],
    ['the disk fills up', 'disk.full', 1000],
  ] as const) {
    it(`gives the room back when ${how}`, async (context) => {
      using disk = smallDisk(context, 4);
      const folder = join(disk.folder, 'data');
      mkdirSync(folder);
      writeFileSync(join(folder, 'former'), 'former');
      const tree = treeOf({ first: 3_000_000, second: 3_000_000 });
      const ground = new TreeGround(new FolderPlace(folder));
      const free = await ground.freeBytes();
      const filling = ground.fill('a1', { kind: 'tree', folder: tree, bytes: told });
      await expect(filling).rejects.toMatchObject({ code });
      expect(await ground.state('a1')).toBe('nothing');
      expect(await ground.freeBytes()).toBe(free);
      expect(readdirSync(disk.folder)).toEqual(['data']);
      expect(readdirSync(tree).sort()).toEqual(['first', 'second']);
    });
  }

  it('goes on with every step but the filling on a full disk', async (context) => {
    using disk = smallDisk(context, 4);
    const ground = new TreeGround(new FolderPlace(disk.folder));
    writeFileSync(join(disk.folder, 'former'), 'former');
    await ground.fill('a1', { kind: 'tree', folder: treeOf({ first: 100 }), bytes: 100 });
    disk.fill(0);
    await ground.swap('a1');
    await ground.swapBack('a1');
    await ground.swap('a1');
    await ground.settle('a1');
    expect(await ground.state('a1')).toBe('settled');
    expect(readdirSync(disk.folder).sort()).toEqual(['.lifeboat', 'first']);
  });

  it('leaves a data directory in a mount point to backups of PostgreSQL as it is', async (context) => {
    using disk = smallDisk(context, 4);
    const ground = new TreeGround(new FolderPlace(disk.folder));
    mkdirSync(join(disk.folder, 'lost+found'));
    await ground.fill('a1', { kind: 'tree', folder: treeOf({ PG_VERSION: 3 }), bytes: 3 });
    await ground.swap('a1');
    // A base backup leaves out what begins with `pgsql_tmp`, and would stumble over what it may not read.
    const names = ['PG_VERSION', 'lost+found', 'pgsql_tmp.lifeboat'];
    expect(readdirSync(disk.folder).sort()).toEqual(names);
  });

  it('refuses while a server runs there, also between two parts of a swap', async (context) => {
    const bin = need(context, serversUnderTest(15)[0]?.bin, 'PostgreSQL 15 is not installed');
    await using server = await startPostgres({ bin, major: 15 });
    const ground = new TreeGround(new FolderPlace(server.dataFolder));
    await ground.fill('a1', { kind: 'tree', folder: treeOf({ PG_VERSION: 3 }), bytes: 3 });
    await expect(ground.swap('a1')).rejects.toMatchObject({ code: 'target.in-use' });
    expect((await server.query('select 1')).rowCount).toBe(1);
    await server.stop();
    await ground.swap('a1');
    expect(readdirSync(server.dataFolder)).toEqual(['PG_VERSION']);
    await ground.swapBack('a1');
    await server.start();
    expect((await server.query('select 1')).rowCount).toBe(1);
    await ground.discard('a1');
  });

  it('moves no other file system along', async (context) => {
    using disk = smallDisk(context, 4);
    const outer = join(disk.folder, '..');
    const ground = new TreeGround(new FolderPlace(outer));
    await ground.fill('a1', { kind: 'tree', folder: treeOf({ first: 3 }), bytes: 3 });
    await expect(ground.swap('a1')).rejects.toMatchObject({ code: 'ground.failed' });
    expect(await ground.state('a1')).toBe('filled');
    await ground.discard('a1');
    expect(existsSync(disk.folder)).toBe(true);
  });

  it('keeps what was written there between two parts of a swap', async (context) => {
    using disk = smallDisk(context, 4);
    const folder = join(disk.folder, 'data');
    mkdirSync(folder);
    writeFileSync(join(folder, 'former'), 'former');
    const ground = new TreeGround(new FolderPlace(folder));
    await ground.fill('a1', { kind: 'tree', folder: treeOf({ first: 3 }), bytes: 3 });
    const dying = new TreeGround(new FolderPlace(folder, dyingBefore(diskActions, 6)));
    await expect(dying.swap('a1')).rejects.toThrow('killed');
    expect(existsSync(folder)).toBe(false);
    // As a container engine does that finds no folder to mount.
    mkdirSync(folder);
    await ground.swapBack('a1');
    expect(readFileSync(join(folder, 'former'), 'utf8')).toBe('former');
    const again = new TreeGround(new FolderPlace(folder, dyingBefore(diskActions, 6)));
    await expect(again.swap('a1')).rejects.toThrow('killed');
    mkdirSync(folder);
    writeFileSync(join(folder, 'precious'), 'new');
    await expect(ground.swap('a1')).rejects.toMatchObject({ code: 'ground.failed' });
    await expect(ground.swapBack('a1')).rejects.toMatchObject({ code: 'ground.failed' });
    rmSync(folder, { recursive: true });
    await ground.swapBack('a1');
    expect(readFileSync(join(folder, 'former'), 'utf8')).toBe('former');
  });

  it('works in no folder that somebody else made', async (context) => {
    using disk = smallDisk(context, 4);
    const elsewhere = join(disk.folder, 'elsewhere');
    mkdirSync(elsewhere);
    mkdirSync(join(disk.folder, 'data'));
    symlinkSync(elsewhere, join(disk.folder, '.data.lifeboat'));
    const ground = new TreeGround(new FolderPlace(join(disk.folder, 'data')));
    const filling = ground.fill('a1', { kind: 'tree', folder: treeOf({ first: 3 }), bytes: 3 });
    await expect(filling).rejects.toMatchObject({ code: 'ground.failed' });
    expect(readdirSync(elsewhere)).toEqual([]);
  });
});

const trees: string[] = [];
afterAll(() => {
  for (const each of trees) rmSync(each, { recursive: true, force: true });
});

/** Files of these sizes, as a delivery. */
function treeOf(sizes: Record<string, number>): string {
  const outer = temporaryFolder('delivery');
  trees.push(outer);
  const folder = join(outer, 'tree');
  mkdirSync(folder);
  for (const [name, size] of Object.entries(sizes)) {
    writeFileSync(join(folder, name), Buffer.alloc(size, name));
  }
  return folder;
}
