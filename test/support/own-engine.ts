import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { TestContext } from 'vitest';
import { dockerUnderTest } from './docker.ts';
import { temporaryFolder } from './postgres.ts';
import { findProgram } from './programs.ts';

const run = promisify(execFile);

/** A second engine of this machine, without networks, that a test may stop and start. */
export interface OwnEngine extends AsyncDisposable {
  readonly environment: NodeJS.ProcessEnv;
  readonly image: string;
  docker(...args: readonly string[]): Promise<string>;
  startAnew(): Promise<void>;
}

const startWithinMs = 60_000;

/** Ends the test as a reported skip where none can be started. */
export async function ownEngine(context: TestContext): Promise<OwnEngine> {
  if (findProgram('dockerd') === undefined) context.skip('dockerd is not installed');
  if (findProgram('unshare') === undefined) context.skip('unshare is not installed');
  if (process.getuid?.() !== 0) context.skip('only root can start an engine');
  await using shared = await dockerUnderTest(context, 'own');
  const folder = temporaryFolder('engine');
  const host = `unix://${folder}/socket`;
  const environment = { ...process.env, DOCKER_HOST: host };
  const docker = async (...args: readonly string[]) =>
    (await run('docker', [...args], { env: environment })).stdout.trim();
  const begin = () =>
    start(folder, host, docker).catch(async (error) => {
      await removeFolder(folder);
      return context.skip(`a second engine does not start here: ${(error as Error).message}`);
    });
  let engine = await begin();
  const stop = async () => {
    if (engine.exitCode !== null) return;
    engine.kill();
    await once(engine, 'exit');
  };
  const remove = async () => {
    await docker('rm', '--force', 'plain', 'held').catch(() => {});
    await stop();
    await removeFolder(folder);
  };
  try {
    const archive = join(folder, 'image.tar');
    await shared.docker('save', '--output', archive, shared.image);
    await docker('load', '--input', archive);
    await docker('run', '--rm', '--network', 'none', shared.image, 'true');
  } catch (error) {
    await remove();
    return context.skip(`a second engine cannot run containers here: ${(error as Error).message}`);
  }
  return {
    environment,
    image: shared.image,
    docker,
    async startAnew() {
      await stop();
      engine = await begin();
    },
    [Symbol.asyncDispose]: remove,
  };
}

/** What an engine had mounted stays so when it ends. */
async function removeFolder(folder: string): Promise<void> {
  const places = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((place) => place.startsWith(`${folder}/`));
  for (const place of places.reverse()) await run('umount', ['--lazy', place]);
  rmSync(folder, { recursive: true, force: true });
}

async function start(
  folder: string,
  host: string,
  docker: (...args: readonly string[]) => Promise<string>,
): Promise<ChildProcess> {
  const log = openSync(join(folder, 'log'), 'a');
  const engine = spawn(
    'unshare',
    [
      // In a network of its own: an engine without a bridge removes that of the machine, docker0, which others use.
      ...['--net', 'dockerd'],
      ...['--host', host, '--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')],
      ...['--pidfile', join(folder, 'pid'), '--storage-driver', 'vfs'],
      ...['--bridge', 'none', '--iptables=false', '--ip-masq=false'],
      // It may share the containerd of the machine, and must not see what others have there.
      ...[
        '--containerd-namespace',
        'lifeboat-test',
        '--containerd-plugins-namespace',
        'lifeboat-test-plugins',
      ],
    ],
    { stdio: ['ignore', log, log] },
  );
  const end = performance.now() + startWithinMs;
  while (performance.now() < end && engine.exitCode === null) {
    const isUp = await docker('version').then(
      () => true,
      () => false,
    );
    if (isUp) return engine;
    await setTimeout(300);
  }
  engine.kill();
  throw new Error('the second engine did not come up');
}
