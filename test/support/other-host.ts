import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { CommandResult } from './command-line.ts';

const main = join(import.meta.dirname, '../../src/cli/main.ts');
const namespaces = ['--uts', '--pid', '--fork', '--mount-proc', '--kill-child'];
const named = (host: string) => ['sh', '-c', 'hostname "$1"; shift; exec "$@"', 'sh', host];

/** Whether this machine lets a test have hosts of other names, with processes of their own. */
export const canBeOtherHosts =
  process.platform === 'linux' &&
  spawnSync('unshare', [...namespaces, ...named('host-one'), 'true']).status === 0;

/**
 * The real command line as on another machine: with its host name, with numbers of processes that mean nothing to others. Killing the child ends
 * everything that it started.
 */
export function spawnOn(
  host: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): ChildProcess {
  const { LIFEBOAT_CONFIG: _, ...environment } = process.env;
  return spawn('unshare', [...namespaces, ...named(host), process.execPath, main, ...args], {
    cwd: options.cwd,
    env: { ...environment, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

export async function lifeboatOn(
  host: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<CommandResult> {
  const child = spawnOn(host, args, options);
  const [stdout, stderr] = [child.stdout, child.stderr].map((stream) => {
    const chunks: Buffer[] = [];
    stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
    return () => Buffer.concat(chunks).toString('utf8');
  }) as [() => string, () => string];
  const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    exitCode,
    stdout: stdout(),
    stderr: stderr(),
    get records() {
      const lines = stdout().split('\n').filter(Boolean);
      return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    },
  };
}
