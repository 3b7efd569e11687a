import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { smallDisk } from '../../../../test/support/small-disk.ts';
import { hostFindings } from './host-findings.ts';
import { lookAtDisks, mountOf, parseMounts } from './look-at-disks.ts';
import { foundOf, type Part } from './part.ts';
import { PartRunner } from './part-runner.ts';

const text = `22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro
23 22 0:5 / /proc rw - proc proc rw
24 22 8:2 / /srv rw,relatime - xfs /dev/sdb1 ro,attr2
25 22 8:3 / /srv/my\\040files ro,relatime shared:3 master:1 - ext4 /dev/sdc1 rw
26 22 8:4 / /mnt rw - ext4 /dev/sdd1 rw
27 26 0:9 / /mnt rw - nfs4 nas:/x rw
60 22 7:0 / /data rw,relatime - ext4 /dev/loop0 rw,errors=remount-ro,emergency_ro
70 22 7:1 / /bound ro,relatime - ext4 /dev/loop1 rw
71 22 7:2 / /meant ro,relatime - ext4 /dev/loop2 ro

`;

const failed = { isReadOnly: true, readOnlyBy: 'errors' };
const meant = { isReadOnly: true, readOnlyBy: 'mount' };

// The last three as Linux 6.18 showed them: an ext4 that met an error, a bind mount, `mount -o remount,ro`.
it('reads mounts with their options, and tells what the kernel made read-only from what a person did', () => {
  expect(parseMounts(text)).toEqual([
    { mount: '/', device: '/dev/sda1', fileSystem: 'ext4', isReadOnly: false },
    { mount: '/srv', device: '/dev/sdb1', fileSystem: 'xfs', ...failed },
    { mount: '/srv/my files', device: '/dev/sdc1', fileSystem: 'ext4', ...meant },
    { mount: '/mnt', device: 'nas:/x', fileSystem: 'nfs4', isReadOnly: false },
    { mount: '/data', device: '/dev/loop0', fileSystem: 'ext4', ...failed },
    { mount: '/bound', device: '/dev/loop1', fileSystem: 'ext4', ...meant },
    { mount: '/meant', device: '/dev/loop2', fileSystem: 'ext4', ...meant },
  ]);
});

it.each([
  ['/srv', '/srv'],
  ['/srv/my files/a', '/srv/my files'],
  ['/srv/my filesystem', '/srv'],
  ['/srvx', '/'],
])('%s lies on %s', (path, mount) => {
  expect(mountOf(parseMounts(text), path)?.mount).toBe(mount);
});

it('finds a real disk full, without inodes, and read-only', async (context) => {
  using small = smallDisk(context, 4);
  const remount = (options: string) =>
    execFileSync('mount', ['-o', `remount,${options}`, small.folder]);
  const look = async () => {
    const runner = new PartRunner({ limitMs: 20_000 });
    const disks = await runner.run('host: disks', 20_000, (part) =>
      lookAtDisks([{ path: join(small.folder, 'data'), what: 'source database' }], part),
    );
    const own = (foundOf(disks) ?? []).filter(({ mount }) => mount === small.folder);
    const none = { looked: false } as Part<never>;
    const host = { name: 'db-1', disks: { ...disks, found: own }, memory: none, kernel: none };
    return hostFindings(host as Parameters<typeof hostFindings>[0]).map(({ text }) => text);
  };
  const what = `${small.folder} (source database)`;
  expect(await look()).toEqual([]);
  small.fill(0);
  expect(await look()).toEqual([`${what} is full: 0 B of 4 MiB are free`]);
  small.makeRoom();
  remount('nr_inodes=20');
  expect(() => {
    for (let each = 0; each < 20; each++) writeFileSync(join(small.folder, `${each}`), '');
  }).toThrow(/ENOSPC/);
  expect(await look()).toEqual([`${what} takes no more files: 0 of 20 inodes are free`]);
  remount('ro');
  expect(await look()).toEqual([`${what} is mounted read-only, as somebody wanted it`]);
});
