import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { TestContext } from 'vitest';
import { type DockerUnderTest, dockerUnderTest } from './docker.ts';
import { temporaryFolder } from './postgres.ts';

/** A systemd that manages a container of its own: the programs of this machine, on no other file of it. */
export interface SystemdUnderTest extends AsyncDisposable {
  /** With `systemctl` and `journalctl` that reach it. */
  readonly environment: NodeJS.ProcessEnv;
  /** Its /etc/systemd/system. */
  readonly unitFolder: string;
  /** Runs a program in it; rejects unless that ends with 0. */
  run(...command: readonly string[]): Promise<string>;
}

const image = 'lifeboat-test-systemd';
const startWithinMs = 30_000;

/** Ends the test as a reported skip where no systemd can be run. */
export async function systemdUnderTest(context: TestContext): Promise<SystemdUnderTest> {
  if (!existsSync('/usr/lib/systemd/systemd') || !existsSync('/usr/bin/journalctl')) {
    context.skip('systemd is not installed');
  }
  if (!lstatSync('/bin').isSymbolicLink()) context.skip('/bin is no part of /usr here');
  const engine = await dockerUnderTest(context, 'systemd');
  const folder = temporaryFolder('systemd');
  const remove = async () => {
    await engine[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    return { ...(await startSystemd(engine, folder)), [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    return context.skip(`systemd does not run in a container here: ${(error as Error).message}`);
  }
}

async function startSystemd(
  engine: DockerUnderTest,
  folder: string,
): Promise<Omit<SystemdUnderTest, typeof Symbol.asyncDispose>> {
  await makeImage(engine, folder);
  const [name, unitFolder, programs] = [engine.prefix, join(folder, 'units'), join(folder, 'bin')];
  for (const each of [unitFolder, programs]) mkdirSync(each);
  for (const program of ['systemctl', 'journalctl']) {
    writeFileSync(join(programs, program), `#!/bin/sh\nexec docker exec ${name} ${program} "$@"\n`);
    chmodSync(join(programs, program), 0o755);
  }
  await engine.docker(
    ...['run', '--detach', '--name', name, '--env', 'container=docker', '--cap-add', 'SYS_ADMIN'],
    ...['--security-opt', 'seccomp=unconfined', '--tmpfs', '/run', '--tmpfs', '/run/lock'],
    ...['--volume', '/usr:/usr:ro', '--volume', '/sys/fs/cgroup:/sys/fs/cgroup'],
    ...['--volume', `${unitFolder}:/etc/systemd/system`],
    ...[image, '/usr/lib/systemd/systemd', '--unit=basic.target'],
  );
  const run = (...command: readonly string[]) => engine.docker('exec', name, ...command);
  const end = performance.now() + startWithinMs;
  while (!(await isUp(run))) {
    if (performance.now() > end) throw new Error('it did not come up');
    await setTimeout(200);
  }
  return {
    environment: { ...process.env, PATH: `${programs}:${process.env.PATH}` },
    unitFolder,
    run,
  };
}

async function isUp(run: SystemdUnderTest['run']): Promise<boolean> {
  try {
    await run('systemctl', 'is-active', '--quiet', 'basic.target');
    return true;
  } catch {
    return false;
  }
}

async function makeImage(engine: DockerUnderTest, folder: string): Promise<void> {
  if ((await engine.docker('image', 'ls', '--quiet', image)) !== '') return;
  const tree = join(folder, 'tree');
  const folders = [
    'usr',
    'run',
    'tmp',
    'proc',
    'sys',
    'dev',
    'root',
    'etc/systemd/system',
    'var/log/journal',
  ];
  for (const each of folders) mkdirSync(join(tree, each), { recursive: true });
  for (const each of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${each}`, join(tree, each));
  writeFileSync(join(tree, 'etc/machine-id'), '');
  for (const each of ['passwd', 'group', 'nsswitch.conf']) {
    execFileSync('cp', [`/etc/${each}`, join(tree, 'etc', each)]);
  }
  execFileSync('tar', ['-C', tree, '-cf', join(folder, 'tree.tar'), '.']);
  await engine.docker('import', join(folder, 'tree.tar'), image);
}
