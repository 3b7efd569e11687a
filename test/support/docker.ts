import { execFile, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestContext } from 'vitest';
import { temporaryFolder } from './postgres.ts';
import { findProgram } from './programs.ts';
import { need } from './skip.ts';

const run = promisify(execFile);

/** The engine of this machine, and a name of its own for a test: whatever is called that, or begins with it, is removed at the end. */
export interface DockerUnderTest extends AsyncDisposable {
  /** Begins the names of containers, volumes, networks and compose projects of the test. */
  readonly prefix: string;
  /** A tree with static busybox alone: sh, sleep, tar, httpd, nc. */
  readonly image: string;
  /** Standard output without its last line end. Rejects with what it said. */
  docker(...args: readonly string[]): Promise<string>;
  /** Compose, as a plugin or a program. Ends the test as a skip where there is none. */
  compose(...args: readonly string[]): Promise<string>;
  /** Words that run it. */
  composeProgram(): Promise<readonly string[]>;
}

const image = 'lifeboat-test-busybox';

/** Ends the test as a reported skip where no engine answers, or no image can be made. */
export async function dockerUnderTest(
  context: TestContext,
  name: string,
): Promise<DockerUnderTest> {
  const reason = await whyNoDocker();
  if (reason !== undefined) context.skip(reason);
  const words = async () =>
    need(context, await composeProgram(), 'docker compose is not installed');
  const prefix = `lifeboat-test-${name}-${randomBytes(4).toString('hex')}`;
  return {
    prefix,
    image,
    docker,
    async compose(...args) {
      const [program, ...first] = await words();
      return output(program as string, [...first, ...args]);
    },
    composeProgram: words,
    async [Symbol.asyncDispose]() {
      await removeAll(prefix);
    },
  };
}

let checked: Promise<string | undefined> | undefined;

/** Why tests of Docker cannot run here; undefined: they can. Asked once. */
export function whyNoDocker(): Promise<string | undefined> {
  checked ??= findReason();
  return checked;
}

async function findReason(): Promise<string | undefined> {
  if (findProgram('docker') === undefined) return 'docker is not installed';
  try {
    await docker('info', '--format', '{{.ID}}');
  } catch (error) {
    return `no Docker engine answers: ${lastLine(error)}`;
  }
  try {
    return await makeImage();
  } catch (error) {
    return `the Docker engine cannot run a container here: ${lastLine(error)}`;
  }
}

/** Why not; undefined: the image is there and works. */
async function makeImage(): Promise<string | undefined> {
  if ((await docker('image', 'ls', '--quiet', image)) === '') {
    const busybox = findProgram('busybox');
    if (busybox === undefined) return 'busybox-static is not installed';
    const folder = temporaryFolder('busybox');
    try {
      const tree = join(folder, 'tree');
      for (const each of ['bin', 'etc', 'tmp']) mkdirSync(join(tree, each), { recursive: true });
      copyFileSync(busybox, join(tree, 'bin/busybox'));
      for (const applet of execFileSync(busybox, ['--list'], { encoding: 'utf8' }).split('\n')) {
        if (!['', 'busybox'].includes(applet)) symlinkSync('busybox', join(tree, 'bin', applet));
      }
      writeFileSync(
        join(tree, 'etc/passwd'),
        'root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n',
      );
      writeFileSync(join(tree, 'etc/group'), 'root:x:0:\nnogroup:x:65534:\n');
      execFileSync('tar', ['-C', tree, '-cf', join(folder, 'tree.tar'), '.']);
      await docker('import', join(folder, 'tree.tar'), image);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  await docker('run', '--rm', image, 'true');
  return undefined;
}

let foundCompose: Promise<readonly string[] | undefined> | undefined;

function composeProgram(): Promise<readonly string[] | undefined> {
  foundCompose ??= output('docker', ['compose', 'version']).then(
    () => ['docker', 'compose'],
    () => (findProgram('docker-compose') === undefined ? undefined : ['docker-compose']),
  );
  return foundCompose;
}

async function removeAll(prefix: string): Promise<void> {
  const lines = (text: string) => text.split('\n').filter((line) => line !== '');
  const named = ['--filter', `name=^/?${prefix}`];
  const containers = lines(await docker('ps', '--all', '--quiet', ...named));
  if (containers.length > 0) await docker('rm', '--force', '--volumes', ...containers);
  const networks = lines(await docker('network', 'ls', '--quiet', ...named));
  if (networks.length > 0) await docker('network', 'rm', ...networks);
  const volumes = lines(await docker('volume', 'ls', '--quiet', '--filter', `name=^${prefix}`));
  if (volumes.length > 0) await docker('volume', 'rm', '--force', ...volumes);
}

function docker(...args: readonly string[]): Promise<string> {
  return output('docker', args);
}

async function output(program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await run(program, [...args], { maxBuffer: 64 * 2 ** 20 });
  return stdout.replace(/\n$/, '');
}

function lastLine(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string };
  return (stderr?.trim() || message).split('\n').at(-1) as string;
}
