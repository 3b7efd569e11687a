import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import type { DockerUnderTest } from './docker.ts';
import { need } from './skip.ts';

/** Another machine, as far as anybody can tell from outside: its own name, machine id, host key and address, and nothing on it. */
export interface NewHost {
  readonly host: string;
  readonly identity: string;
  readonly knownHosts: string;
  /** Its /srv, as this host sees it. */
  readonly folder: string;
}

const port = 22;

/** A container with Debian's sshd, on the programs of this host. `folder` is the test's. */
export async function newHost(
  context: TestContext,
  { docker, prefix, image }: DockerUnderTest,
  folder: string,
): Promise<NewHost> {
  need(context, existsSync('/usr/sbin/sshd'), 'openssh-server is not installed');
  const [etc, srv] = [join(folder, 'etc'), join(folder, 'srv')];
  for (const each of [etc, srv]) mkdirSync(each);
  const [hostKey, identity] = [join(etc, 'host-key'), join(folder, 'key')];
  for (const key of [hostKey, identity]) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  }
  writeFileSync(join(etc, 'authorized'), readFileSync(`${identity}.pub`), { mode: 0o600 });
  writeFileSync(join(etc, 'machine-id'), `${randomBytes(16).toString('hex')}\n`);
  writeFileSync(
    join(etc, 'passwd'),
    'root:x:0:0:root:/:/bin/sh\nsshd:x:100:65534::/run/sshd:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n',
  );
  const lines = [
    `Port ${port}`,
    'HostKey /etc/lifeboat-test/host-key',
    'AuthorizedKeysFile /etc/lifeboat-test/authorized',
    'UsePAM no',
    'StrictModes no',
    'PasswordAuthentication no',
    'PermitRootLogin prohibit-password',
  ];
  writeFileSync(join(etc, 'sshd_config'), `${lines.join('\n')}\n`);
  const name = `${prefix}-new-host`;
  const mounts = [
    '/usr:/usr:ro',
    '/lib:/lib:ro',
    ...(existsSync('/lib64') ? ['/lib64:/lib64:ro'] : []),
    `${join(etc, 'passwd')}:/etc/passwd:ro`,
    `${etc}:/etc/lifeboat-test:ro`,
    `${join(etc, 'machine-id')}:/etc/machine-id:ro`,
    `${srv}:/srv`,
  ].flatMap((each) => ['--volume', each]);
  await docker(
    ...['run', '--detach', '--name', name, '--hostname', 'new-1', '--tmpfs', '/run/sshd:mode=755'],
    ...[...mounts, image, '/usr/sbin/sshd', '-D', '-e', '-f', '/etc/lifeboat-test/sshd_config'],
  );
  const address = await docker(
    ...['container', 'inspect', '--format', '{{.NetworkSettings.IPAddress}}', name],
  );
  const knownHosts = join(folder, 'known-hosts');
  const [type, key] = readFileSync(`${hostKey}.pub`, 'utf8').split(' ');
  writeFileSync(knownHosts, `${address} ${type} ${key}\n`);
  const endMs = Date.now() + 30_000;
  while (!(await answers(address))) {
    if (Date.now() > endMs) throw new Error(`the new host: ${await docker('logs', name)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { host: `root@${address}`, identity, knownHosts, folder: srv };
}

function answers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, address);
    socket.once('error', () => resolve(false));
    socket.once('data', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
