import { closeSync, mkdtempSync, openSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { bringToDisk, mountsBelow } from './bring-to-disk.ts';

const kinds = ['sysfs', 'tmpfs', 'proc', 'overlay', 'fuse', 'nfs4', 'zfs']
  .map((kind) => `nodev\t${kind}\n`)
  .concat('\text4\n', '\txfs\n', '\tfuseblk\n')
  .join('');

/** Lines of mountinfo. */
const mounted = (places: Readonly<Record<string, string>>) => ({
  kinds,
  mounts: Object.entries(places)
    .map(([path, kind], number) => `${number} 1 8:1 / ${path} rw shared:1 - ${kind} source rw\n`)
    .join(''),
});

it('waits for no mount of a server or a program, which may be dead', () => {
  const system = mounted({
    '/': 'ext4',
    '/proc': 'proc',
    '/run': 'tmpfs',
    '/far': 'fuse.sshfs',
    '/cloud': 'fuse.rclone',
    '/plain': 'fuse',
    '/share': 'nfs4',
    '/data': 'xfs',
    '/windows': 'fuseblk',
    '/layers': 'overlay',
    '/pool\\040one': 'zfs',
  });
  expect(mountsBelow('/', system)).toEqual(['/data', '/windows', '/layers', '/pool one']);
});

it('names only what lies below the folder', () => {
  const system = mounted({ '/': 'ext4', '/a': 'ext4', '/a/b': 'ext4', '/ab': 'ext4' });
  expect(mountsBelow('/a', system)).toEqual(['/a/b']);
});

it.runIf(process.platform === 'linux')('goes by what this machine says of itself', async () => {
  const path = mkdtempSync(join(tmpdir(), 'lifeboat-sync-'));
  const fd = openSync(path, 'r');
  const events: string[] = [];
  await bringToDisk({ path, fd }, ({ type }) => events.push(type));
  expect(events).toEqual(['begin', 'end']);
  closeSync(fd);
  rmdirSync(path);
});
