import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { cancelled, formatDuration, LifeboatError, throwIfAborted } from '../core/index.ts';
import { type LastOutput, lastOutput } from './last-output.ts';

export interface ProgramCall {
  readonly program: string;
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  /** What it is doing, for errors: `stop the container shop-api`. */
  readonly purpose: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** What it reads. Default: nothing. */
  readonly input?: string;
  /** What is too much of an answer. Default: 16 MiB. */
  readonly outputBytesMax?: number;
  /** `newest`: of more than that the end is kept; default: it is an error, half an answer would be read as a whole one. */
  readonly keep?: 'all' | 'newest';
  /**
   * It leaves a program running that writes where it did: a pipe that nobody reads any more would end that, so what is said goes
   * to a file without a name. Default: false.
   */
  readonly leavesPrograms?: boolean;
  /** Hears the number of the process as soon as there is one. */
  readonly onStarted?: (pid: number) => void;
}

/** It ended by itself; whatever its exit code. */
export interface ProgramEnd {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const outputBytesMaxDefault = 16 * 2 ** 20;
/** Between SIGTERM and SIGKILL, and again until it is given up. */
const killDelayMs = 2_000;
/** After how long without output a program that has ended is not waited for: what it left running may hold the pipe for ever. */
const drainMs = 200;
/** And not more often than this, however much what it left has to say. */
const drainsMax = 10;

/**
 * Runs a program without a shell, in a session of its own: what it leaves running does not end with the terminal.
 * On time-out and abort it and what it started get SIGTERM, then SIGKILL. Errors: `platform.unavailable` (there is no such program),
 * `platform.failed` (ended by a signal, or too much output), `platform.timeout`, `cancelled`.
 */
export async function runProgram(call: ProgramCall): Promise<ProgramEnd> {
  throwIfAborted(call.signal);
  using output = lastOutput(call.leavesPrograms === true);
  const child = spawn(call.program, [...call.args], {
    env: call.environment,
    stdio: [call.input === undefined ? 'ignore' : 'pipe', output.stdout, output.stderr],
    detached: true,
  });
  if (child.pid !== undefined) call.onStarted?.(child.pid);
  // One that ends without reading has its reasons, which its exit code tells.
  child.stdin?.on('error', () => {}).end(call.input);
  const end = await ended(child, call, output);
  if (end instanceof LifeboatError) throw end;
  return { exitCode: end, stdout: output.read('stdout'), stderr: output.read('stderr') };
}

/** Its exit code, or why there is none. Never rejects, never waits for longer than the time-out and both delays. */
function ended(
  child: ChildProcess,
  call: ProgramCall,
  output: LastOutput,
): Promise<number | LifeboatError> {
  return new Promise((resolve) => {
    let failure: LifeboatError | undefined;
    let hasEnded = false;
    const timers: NodeJS.Timeout[] = [];
    const settle = (result: number | LifeboatError) => {
      for (const timer of timers) clearTimeout(timer);
      call.signal?.removeEventListener('abort', onAbort);
      child.stdout?.destroy();
      child.stderr?.destroy();
      child.unref();
      // What it started may have ignored the first signal, which it did not.
      if (failure !== undefined) killGroup(child, 'SIGKILL');
      resolve(failure ?? result);
    };
    const end = (why: LifeboatError) => {
      if (failure !== undefined) return;
      failure = why;
      if (hasEnded) return;
      killGroup(child, 'SIGTERM');
      timers.push(setTimeout(() => killGroup(child, 'SIGKILL'), killDelayMs));
      timers.push(setTimeout(() => settle(why), 2 * killDelayMs));
    };
    const onAbort = () => end(cancelled(call.signal as AbortSignal));
    call.signal?.addEventListener('abort', onAbort, { once: true });
    timers.push(setTimeout(() => hasEnded || end(tookTooLong(call)), call.timeoutMs));
    output.collect(child.stdout as Readable | null, child.stderr as Readable | null, {
      bytesMax: call.outputBytesMax ?? outputBytesMaxDefault,
      onTooMuch: () => (call.keep === 'newest' ? undefined : end(saidTooMuch(call))),
    });
    child.once('error', (error) => settle(notStarted(call, error as NodeJS.ErrnoException)));
    const result = (code: number | null, signal: string | null) => code ?? endedBy(call, signal);
    child.once('exit', (code, signal) => {
      hasEnded = true;
      const drain = (left: number) => {
        const before = output.receivedBytes();
        const look = () => {
          if (output.receivedBytes() === before || left === 0) settle(result(code, signal));
          else drain(left - 1);
        };
        // A busy process comes to its timers before it comes to what lies in the pipe: half an answer would be taken for the whole.
        timers.push(setTimeout(() => setImmediate(() => setImmediate(look)), drainMs));
      };
      drain(drainsMax);
    });
    child.once('close', (code, signal) => settle(result(code, signal)));
  });
}

/** It leads a group of its own, so this reaches what it started too. */
function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // Nothing of it is left.
  }
}

function notStarted(call: ProgramCall, error: NodeJS.ErrnoException): LifeboatError {
  const fact =
    error.code === 'ENOENT'
      ? 'there is no such program'
      : error.code === 'EACCES'
        ? 'it may not be run'
        : (error.code ?? error.message);
  return new LifeboatError(
    'platform.unavailable',
    `cannot ${call.purpose}: ${call.program}: ${fact}`,
    {
      hint: `Install ${call.program} on this host, or put the folder that holds it on PATH.`,
      cause: error,
    },
  );
}

function tookTooLong({ purpose, program, timeoutMs }: ProgramCall): LifeboatError {
  return new LifeboatError(
    'platform.timeout',
    `cannot ${purpose}: ${program} did not end within ${formatDuration(timeoutMs)}`,
    { retryable: true },
  );
}

function saidTooMuch({ purpose, program }: ProgramCall): LifeboatError {
  return new LifeboatError(
    'platform.failed',
    `cannot ${purpose}: ${program} answered with more than can be read`,
  );
}

function endedBy({ purpose, program }: ProgramCall, signal: string | null): LifeboatError {
  return new LifeboatError(
    'platform.failed',
    `cannot ${purpose}: ${program} was ended by ${signal ?? 'something else'}`,
    { retryable: true },
  );
}
