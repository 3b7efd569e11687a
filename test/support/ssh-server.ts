import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { freePort, temporaryFolder } from './postgres.ts';
import { findProgram } from './programs.ts';
import { need } from './skip.ts';

export interface SshServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Key that may log in. */
  readonly identity: string;
  readonly knownHosts: string;
}

/** Debian's sshd on loopback, with keys of its own. Ends the test as a reported skip where there is none. */
export async function startSshServer(
  context: TestContext,
  environment: Readonly<Record<string, string>> = {},
): Promise<SshServer> {
  const program = need(
    context,
    findProgram('sshd') ?? sshdOfRoot(),
    'openssh-server is not installed',
  );
  const folder = temporaryFolder('sshd');
  const [hostKey, identity] = [join(folder, 'host-key'), join(folder, 'key with blank')];
  for (const key of [hostKey, identity]) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  }
  const port = await freePort();
  const authorized = join(folder, 'authorized');
  const knownHosts = join(folder, 'known hosts');
  writeFileSync(authorized, readFileSync(`${identity}.pub`), { mode: 0o600 });
  const [type, key] = readFileSync(`${hostKey}.pub`, 'utf8').split(' ');
  writeFileSync(knownHosts, `[127.0.0.1]:${port} ${type} ${key}\n`);
  const set = Object.entries(environment).map(([name, value]) => `${name}="${value}"`);
  const lines = [
    'ListenAddress 127.0.0.1',
    `Port ${port}`,
    `HostKey ${hostKey}`,
    `AuthorizedKeysFile ${authorized}`,
    `PidFile ${join(folder, 'pid')}`,
    'UsePAM no',
    'StrictModes no',
    'PasswordAuthentication no',
    'PermitRootLogin prohibit-password',
    ...(set.length === 0 ? [] : [`SetEnv ${set.join(' ')}`]),
  ];
  writeFileSync(join(folder, 'config'), `${lines.join('\n')}\n`);
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
  const server = spawn(program, ['-D', '-e', '-f', join(folder, 'config')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  server.stderr.on('data', (bytes: Buffer) => {
    said = (said + bytes.toString()).slice(-4000);
  });
  while (!(await answers(port))) {
    if (server.exitCode !== null) throw new Error(`sshd did not start:\n${said}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    host: `${userInfo().username}@127.0.0.1`,
    port,
    identity,
    knownHosts,
    async [Symbol.asyncDispose]() {
      const ended = new Promise((resolve) => server.once('exit', resolve));
      server.kill('SIGTERM');
      if (server.exitCode === null) await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** It wants to be started by its full path. */
function sshdOfRoot(): string | undefined {
  try {
    readFileSync('/usr/sbin/sshd');
    return '/usr/sbin/sshd';
  } catch {
    return undefined;
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('data', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
