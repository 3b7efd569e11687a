import { expect, it } from 'vitest';
import { mountOf, parseMounts } from './look-at-disks.ts';

const text = `22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro
23 22 0:5 / /proc rw - proc proc rw
24 22 8:2 / /srv rw,relatime - xfs /dev/sdb1 ro,attr2
25 22 8:3 / /srv/my\\040files ro,relatime shared:3 master:1 - ext4 /dev/sdc1 rw
26 22 8:4 / /mnt rw - ext4 /dev/sdd1 rw
27 26 0:9 / /mnt rw - nfs4 nas:/x rw

`;

it('reads mounts with their options, those of the file system too', () => {
  expect(parseMounts(text)).toEqual([
    { mount: '/', device: '/dev/sda1', fileSystem: 'ext4', isReadOnly: false },
    { mount: '/srv', device: '/dev/sdb1', fileSystem: 'xfs', isReadOnly: true },
    { mount: '/srv/my files', device: '/dev/sdc1', fileSystem: 'ext4', isReadOnly: true },
    { mount: '/mnt', device: 'nas:/x', fileSystem: 'nfs4', isReadOnly: false },
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
