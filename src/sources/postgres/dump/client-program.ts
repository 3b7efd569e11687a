import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { cancelled, type ErrorCode, LifeboatError, throwIfAborted } from '../../../core/index.ts';
import type { ConnectionSettings } from '../connection-settings.ts';
import { clientEnvironment } from './client-environment.ts';

export interface ClientProgramOptions {
  readonly program: string;
  readonly args: readonly string[];
  readonly connection: ConnectionSettings;
  /** For its session, such as `-c default_transaction_read_only=off`. */
  readonly serverOptions?: string;
  /** What a failure of the program is. */
  readonly failure: ErrorCode;
  readonly hint?: string;
  readonly signal?: AbortSignal | undefined;
}

export interface ClientProgram {
  readonly stdin: Writable;
  readonly stdout: Readable & AsyncIterable<Buffer>;
  /** Resolves when it ended with exit code 0; rejects with what it said otherwise, or with `cancelled`. */
  readonly ended: Promise<void>;
  kill(): void;
}

const keptLines = 20;
/** Between SIGTERM and SIGKILL. */
const killDelayMs = 3_000;

/** Starts one of PostgreSQL's own client programs. Aborting the signal ends it. */
export function startClientProgram(options: ClientProgramOptions): ClientProgram {
  const { program, args, connection, signal, serverOptions } = options;
  throwIfAborted(signal);
  const child = spawn(program, [...args, '--no-password'], {
    env: {
      ...clientEnvironment(connection),
      ...(serverOptions ? { PGOPTIONS: serverOptions } : {}),
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const said: string[] = [];
  let rest = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = (lines.pop() as string).slice(-2000);
    said.push(...lines);
    said.splice(0, said.length - keptLines);
  });
  // The exit code tells what went wrong; a pipe that breaks is only its consequence.
  child.stdin.on('error', () => {});
  let timer: NodeJS.Timeout | undefined;
  const onAbort = () => {
    child.kill('SIGTERM');
    // It asks its server to cancel first: one that hangs would keep it for ever.
    timer = setTimeout(() => child.kill('SIGKILL'), killDelayMs);
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', (error) => reject(failed(options, [error.message], undefined)));
    child.once('close', (code, killedBy) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      if (code === 0) return resolve();
      if (signal?.aborted) return reject(cancelled(signal));
      reject(failed(options, rest === '' ? said : [...said, rest], code ?? killedBy ?? undefined));
    });
  });
  // Whoever waits for it may be busy with the pipes when it fails.
  ended.catch(() => {});
  return { stdin: child.stdin, stdout: child.stdout, ended, kill: () => void child.kill() };
}

/** Runs a program that neither reads nor answers. */
export async function runClientProgram(options: ClientProgramOptions): Promise<void> {
  const running = startClientProgram(options);
  running.stdin.end();
  running.stdout.resume();
  await running.ended;
}

function failed(
  { program, failure, hint }: ClientProgramOptions,
  said: readonly string[],
  ending: string | number | undefined,
): LifeboatError {
  const name = program.split('/').at(-1) ?? program;
  // "pg_restore: error: could not execute query: ERROR:  type "x" does not exist"
  const line = said.find((each) => /error:|ERROR:|FATAL:/.test(each)) ?? said.at(-1) ?? '';
  const fact = line.replace(/^pg_\w+: (error: )?/, '').trim() || `it ended with ${ending}`;
  return new LifeboatError(failure, `${name} failed: ${fact}`, {
    context: { said: said.slice(-6) },
    ...(hint === undefined ? {} : { hint }),
  });
}
