import { spawn } from 'node:child_process';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { cancelled, LifeboatError, throwIfAborted } from '../../core/index.ts';

export interface ReceiveArchiveOptions {
  /** Writes a tar archive. */
  readonly docker: {
    readonly args: readonly string[];
    readonly environment: NodeJS.ProcessEnv;
  };
  readonly folder: string;
  readonly signal: AbortSignal | undefined;
  readonly onBytes: (bytes: number) => void;
}

interface ProgramEnd {
  readonly exitCode: number;
  /** Its end. */
  readonly stderr: string;
}

const stderrKept = 8000;

/**
 * Unpacks what docker writes, with the owners it names. Resolves with how docker ended, whatever that was; what went wrong while it was
 * unpacked is an error: `disk.full`, `volume.unreadable`, `cancelled`. GNU's tar lets no archive write outside of the folder.
 */
export async function receiveArchive(options: ReceiveArchiveOptions): Promise<ProgramEnd> {
  const { docker, folder, signal, onBytes } = options;
  throwIfAborted(signal);
  const unpack = ['-x', '-p', '--same-owner', '--numeric-owner', '--xattrs', '--xattrs-include=*'];
  const words = [...unpack, '--warning=no-timestamp', '-C', folder, '-f', '-'];
  const environment = { ...docker.environment, LC_ALL: 'C' };
  const [from, to] = [start('docker', docker.args, environment), start('tar', words, environment)];
  const end = () => {
    from.child.kill();
    to.child.kill();
  };
  signal?.addEventListener('abort', end, { once: true });
  let done = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, next) {
      done += chunk.length;
      onBytes(done);
      next(null, chunk);
    },
  });
  try {
    // Each tells by itself why it ended; a pipe that breaks is only the consequence.
    const passed = pipeline(from.child.stdout, counted, to.child.stdin).catch(end);
    const [read, written] = await Promise.all([from.ended, to.ended, passed]);
    if (signal?.aborted) throw cancelled(signal);
    if (written.exitCode !== 0 && read.exitCode <= 1) throw notUnpacked(folder, written);
    return read;
  } finally {
    signal?.removeEventListener('abort', end);
  }
}

function start(program: string, args: readonly string[], environment: NodeJS.ProcessEnv) {
  const child = spawn(program, [...args], {
    env: environment,
    stdio: ['pipe', 'pipe', 'pipe'],
    // Ctrl-C is for us: what was begun is ended in order.
    detached: true,
  });
  let stderr = '';
  child.stderr.on('data', (bytes: Buffer) => {
    stderr = (stderr + bytes.toString('utf8')).slice(-stderrKept);
  });
  child.stdin.on('error', () => {});
  if (program === 'docker') child.stdin.end();
  else child.stdout.resume();
  const ended = new Promise<ProgramEnd>((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        new LifeboatError('volume.unavailable', `could not start ${program}: ${error.code}`, {
          hint: `Install ${program} on this host, or see that it is on PATH.`,
          cause: error,
        }),
      );
    });
    child.once('close', (code) => resolve({ exitCode: code ?? 128, stderr }));
  });
  // Awaited together with the other one.
  ended.catch(() => {});
  return { child, ended };
}

function notUnpacked(folder: string, { stderr, exitCode }: ProgramEnd): LifeboatError {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  const fact = lines.at(-1)?.slice(0, 500) ?? `tar ended with ${exitCode}`;
  if (/No space left on device|Disk quota exceeded/i.test(stderr)) {
    return new LifeboatError(
      'disk.full',
      `the copy of the volume does not fit at ${folder}: ${fact}`,
      {
        hint: 'Make room, or name another folder as `state`. Nothing was stored.',
      },
    );
  }
  return new LifeboatError('volume.unreadable', `the volume could not be copied: ${fact}`, {
    hint: 'GNU tar is needed on this host, and an image with a tar that ends well.',
    context: { said: lines.slice(-4) },
  });
}
