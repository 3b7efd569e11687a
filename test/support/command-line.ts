import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

const main = join(import.meta.dirname, '../../src/cli/main.ts');

export interface CommandResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Lines of standard output as JSON; throws when one is not. */
  readonly records: readonly Record<string, unknown>[];
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Default: nothing comes in. */
  readonly stdin?: 'pipe';
}

/** Starts the real command line, without a terminal. */
export function spawnLifeboat(args: readonly string[], options: RunOptions = {}): ChildProcess {
  const { LIFEBOAT_CONFIG: _, ...environment } = process.env;
  return spawn(process.execPath, [main, ...args], {
    cwd: options.cwd,
    env: { ...environment, ...options.env },
    stdio: [options.stdin ?? 'ignore', 'pipe', 'pipe'],
  });
}

/** Runs the real command line to its end. */
export async function lifeboat(
  args: readonly string[],
  options: RunOptions = {},
): Promise<CommandResult> {
  const child = spawnLifeboat(args, options);
  const collect = (stream: NodeJS.ReadableStream | null) => {
    const chunks: Buffer[] = [];
    stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
    return () => Buffer.concat(chunks).toString('utf8');
  };
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    exitCode,
    stdout: stdout(),
    stderr: stderr(),
    get records() {
      return stdout()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    },
  };
}

/** Waits until a line of JSON that `matches` comes out of the child. */
export function untilRecord(
  child: ChildProcess,
  matches: (record: Record<string, unknown>) => boolean,
): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    let rest = '';
    const seen: string[] = [];
    child.stdout?.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString('utf8')).split('\n');
      rest = lines.pop() as string;
      for (const line of lines) {
        seen.push(line);
        const record = JSON.parse(line) as Record<string, unknown>;
        if (matches(record)) resolve(record);
      }
    });
    child.once('close', (code) => reject(new Error(`ended with ${code}:\n${seen.join('\n')}`)));
  });
}
