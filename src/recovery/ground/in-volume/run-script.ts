import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cancelled, LifeboatError, throwIfAborted } from '../../../core/index.ts';

export interface ScriptCall {
  readonly program: string;
  readonly args: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
  readonly input?: AsyncIterable<Uint8Array> | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ScriptEnd {
  readonly exitCode: number;
  readonly stdout: Buffer;
  /** Its end. */
  readonly stderr: string;
}

const stderrKept = 8000;
/** After the signal to end. */
const killDelayMs = 5000;

/**
 * Runs a program that is fed while it runs. Errors: those of the input, `ground.unavailable` (there is no such program), `cancelled`.
 */
export async function runScript(call: ScriptCall): Promise<ScriptEnd> {
  const { program, args, environment, input, signal } = call;
  throwIfAborted(signal);
  const child = spawn(program, [...args], {
    ...(environment ? { env: environment } : {}),
    stdio: ['pipe', 'pipe', 'pipe'],
    // Ctrl-C is for us: what was begun there is ended in order.
    detached: true,
  });
  const out: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (bytes: Buffer) => out.push(bytes));
  child.stderr.on('data', (bytes: Buffer) => {
    stderr = (stderr + bytes.toString('utf8')).slice(-stderrKept);
  });
  // Its exit code tells what went wrong; a pipe that breaks is only the consequence.
  child.stdin.on('error', () => {});
  let impatience: NodeJS.Timeout | undefined;
  const end = () => {
    child.kill('SIGTERM');
    impatience ??= setTimeout(() => child.kill('SIGKILL'), killDelayMs);
  };
  signal?.addEventListener('abort', end, { once: true });
  const closed = new Promise<number>((resolve, reject) => {
    child.once('error', (error) => reject(notStarted(program, error)));
    child.once('close', (code) => resolve(code ?? 128));
  });
  try {
    const feeding = feed(child.stdin, input, closed);
    const [fed, code] = await Promise.allSettled([feeding, closed]);
    if (code.status === 'rejected') throw code.reason;
    if (signal?.aborted) throw cancelled(signal);
    if (fed.status === 'rejected') throw fed.reason;
    return { exitCode: code.value, stdout: Buffer.concat(out), stderr };
  } finally {
    clearTimeout(impatience);
    signal?.removeEventListener('abort', end);
  }

  /** What breaks off must not look like an end: then the program is ended. */
  async function feed(
    stdin: NodeJS.WritableStream,
    from: AsyncIterable<Uint8Array> | undefined,
    gone: Promise<unknown>,
  ): Promise<void> {
    const ended = gone.then(
      () => true,
      () => true,
    );
    try {
      for await (const bytes of from ?? []) {
        throwIfAborted(signal);
        if (!stdin.writable) return;
        if (stdin.write(bytes)) continue;
        const drained = once(stdin, 'drain').then(
          () => false,
          () => true,
        );
        if (await Promise.race([drained, ended])) return;
      }
      stdin.end();
    } catch (error) {
      end();
      throw error;
    }
  }
}

function notStarted(program: string, error: NodeJS.ErrnoException): LifeboatError {
  const fact = error.code === 'ENOENT' ? 'there is no such program' : (error.code ?? error.message);
  return new LifeboatError('ground.unavailable', `could not start ${program}: ${fact}`, {
    hint: `Install ${program} on this host, or see that it is on PATH.`,
    cause: error,
  });
}
