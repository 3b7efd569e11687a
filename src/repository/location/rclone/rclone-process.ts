import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { LifeboatError } from '../../../core/index.ts';

/** How rclone is started. */
export interface RcloneCommand {
  readonly program: string;
  readonly arguments: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
}

/** What rclone said last is kept for errors: so many characters. */
const stderrKept = 4_000;

/**
 * One running `rclone serve restic --stdio`. It ends when its pipes close, so it cannot outlive this process, whatever
 * ends it.
 */
export class RcloneProcess {
  readonly #child: ChildProcess;
  readonly #program: string;
  /** Both its input and its output. */
  readonly socket: Socket;
  readonly ended: Promise<void>;
  #stderr = '';
  #failure: NodeJS.ErrnoException | undefined;
  #exit: string | undefined;
  #exitCode: number | null = null;

  constructor({ program, arguments: words, environment: env }: RcloneCommand) {
    this.#program = program;
    // One socket both ways, as node:http2 wants it: over two pipes glued together Node 24 fails an assertion of its own.
    const bothWays = 'exec "$0" "$@" <&3 >&3 3>&-';
    this.#child = spawn('/bin/sh', ['-c', bothWays, program, ...words], {
      env,
      // Ctrl-C is for us: whoever cancels still has locks to remove, through this rclone.
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    });
    this.socket = this.#child.stdio[3] as Socket;
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-stderrKept);
    });
    this.ended = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.#failure = error;
        resolve();
      });
      this.#child.once('close', (code, signal) => {
        this.#exit = signal ?? `exit code ${code}`;
        this.#exitCode = code;
        resolve();
      });
    });
    // Whoever waits for an answer gets the error; the socket itself has nobody to tell.
    this.socket.on('error', () => {});
    this.rest();
  }

  get isRunning(): boolean {
    return this.#failure === undefined && this.#exit === undefined;
  }

  /** Keeps this process alive while an answer is awaited. */
  work(): void {
    this.#child.ref();
    for (const each of this.#sockets()) each.ref();
  }

  /** Lets this process end although rclone still runs: it ends with us. */
  rest(): void {
    this.#child.unref();
    for (const each of this.#sockets()) each.unref();
  }

  /** Ends it, at first kindly. */
  async stop(): Promise<void> {
    if (!this.isRunning) return;
    this.work();
    this.socket.destroy();
    this.#child.kill('SIGTERM');
    const impatience = setTimeout(() => this.#child.kill('SIGKILL'), 5_000);
    await this.ended;
    clearTimeout(impatience);
  }

  /** What is wrong, once it ended by itself; in rclone's own words where it said something. */
  failure(place: string): LifeboatError {
    // What a shell says of a program that is not there.
    if (this.#exitCode === 127) {
      return new LifeboatError(
        'location.refused',
        `there is no program "${this.#program}" to reach ${place}`,
        {
          hint: 'Install rclone (Debian: `apt-get install rclone`; others: rclone.org), or name its path in LIFEBOAT_RCLONE_PROGRAM.',
        },
      );
    }
    if (this.#failure !== undefined || this.#exitCode === 126) {
      const fact = this.#failure?.code ?? 'it may not be executed';
      return new LifeboatError('location.refused', `could not start ${this.#program}: ${fact}`, {
        hint: 'See that the account that runs Lifeboat may run rclone.',
        cause: this.#failure,
      });
    }
    const words = lastWords(this.#stderr);
    return new LifeboatError(
      isPermanent(words) ? 'location.refused' : 'location.unreachable',
      `rclone ended (${this.#exit}) and ${place} cannot be reached${words ? `: ${words}` : ''}`,
      {
        hint: 'Try the same remote with `rclone lsd REMOTE:`. `rclone listremotes` names those that are configured.',
        retryable: !isPermanent(words),
      },
    );
  }

  #sockets(): Socket[] {
    // The types do not say that what is read from a child is a socket.
    return [this.socket, this.#child.stderr as Socket];
  }
}

/** What no second attempt changes: nothing is configured under that name, or the words on the command line are wrong. */
function isPermanent(words: string): boolean {
  return /didn't find section in config file|unknown (flag|command|shorthand)|Failed to create file system/i.test(
    words,
  );
}

/** The last lines of a log, without their dates, as one line. */
function lastWords(log: string): string {
  const lines = log
    .split('\n')
    .map((line) => line.replace(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d\s+/, '').trim());
  return lines
    .filter((line) => line !== '')
    .slice(-2)
    .join('; ');
}
