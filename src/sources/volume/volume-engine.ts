import { execFile } from 'node:child_process';
import { cancelled, LifeboatError } from '../../core/index.ts';

/** What Docker says of a volume. */
export interface VolumeFacts {
  readonly name: string;
  readonly driver: string;
  /** On the host of the engine. */
  readonly mountpoint: string;
  /** It is a device, a share or a folder of its own, mounted there only while a container uses it. */
  readonly isMounted: boolean;
  /** Of the local driver: when the inode of its folder last changed, in whole seconds. */
  readonly createdAtMs: number;
}

/** What the engine says of itself. */
export interface EngineFacts {
  /** Of its host. */
  readonly hostname: string;
  /** Accounts of containers are others on its host: it was told to map them, or runs without root. */
  readonly mapsAccounts: boolean;
}

interface DockerEnd {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Counting what is in a large volume takes its time. */
const answerMs = 10 * 60_000;
const answerBytesMax = 16 * 2 ** 20;

/** Docker's own command line, with the context of the configuration. Nothing of the volume is changed by it. */
export class VolumeEngine {
  readonly #context: readonly string[];
  readonly #environment: NodeJS.ProcessEnv;

  constructor(context: string | undefined, environment: NodeJS.ProcessEnv) {
    this.#context = context === undefined ? [] : ['--context', context];
    this.#environment = { ...environment, LC_ALL: 'C' };
  }

  /** Undefined: there is no such volume. Errors: `volume.unavailable`, `cancelled`. */
  async inspect(volume: string, signal?: AbortSignal): Promise<VolumeFacts | undefined> {
    const end = await this.run(['volume', 'inspect', '--format', '{{json .}}', volume], signal);
    if (end.exitCode !== 0) {
      if (/no such volume/i.test(end.stderr)) return undefined;
      throw engineFailed(end);
    }
    const said = parsed(end) as {
      readonly Name?: string;
      readonly Driver?: string;
      readonly Mountpoint?: string;
      readonly CreatedAt?: string;
      readonly Options?: Readonly<Record<string, string>> | null;
    };
    const options = said.Options ?? {};
    return {
      name: said.Name ?? volume,
      driver: said.Driver ?? '',
      mountpoint: said.Mountpoint ?? '',
      isMounted: options.device !== undefined || options.type !== undefined,
      createdAtMs: Date.parse(said.CreatedAt ?? ''),
    };
  }

  /** Errors: `volume.unavailable`, `cancelled`. */
  async describe(signal?: AbortSignal): Promise<EngineFacts> {
    const format = '{"name":{{json .Name}},"security":{{json .SecurityOptions}},"id":{{json .ID}}}';
    const end = await this.run(['info', '--format', format], signal);
    const said = end.exitCode === 0 ? parsed(end) : {};
    const { id, name, security } = said as {
      readonly id?: string;
      readonly name?: string;
      readonly security?: readonly string[] | null;
    };
    // Without an engine the client answers all the same.
    if (!id || !name) throw engineFailed(end);
    return {
      hostname: name,
      mapsAccounts: (security ?? []).some((each) => /^name=(userns|rootless)\b/.test(each)),
    };
  }

  /** Of a container that uses the volume; undefined: none does. Errors: `volume.unavailable`, `cancelled`. */
  async imageOfUser(volume: string, signal?: AbortSignal): Promise<string | undefined> {
    const filter = ['--filter', `volume=${volume}`, '--format', '{{.Image}}'];
    const end = await this.run(['ps', '--all', ...filter], signal);
    if (end.exitCode !== 0) throw engineFailed(end);
    return end.stdout.split('\n').find((line) => line.trim() !== '');
  }

  /** A container by name; it may be gone. Never rejects. */
  async remove(container: string): Promise<void> {
    await this.run(['rm', '--force', container]).catch(() => {});
  }

  /** For a call that is started elsewhere, because it writes more than can be kept. */
  command(args: readonly string[]): {
    readonly args: readonly string[];
    readonly environment: NodeJS.ProcessEnv;
  } {
    return { args: [...this.#context, ...args], environment: this.#environment };
  }

  /** What a call has ended with as an error. */
  failed(end: Pick<DockerEnd, 'stderr'>): LifeboatError {
    return engineFailed(end);
  }

  /** Whatever it ends with. Errors: `volume.unavailable`, `cancelled`. */
  run(args: readonly string[], signal?: AbortSignal): Promise<DockerEnd> {
    const options = {
      env: this.#environment,
      timeout: answerMs,
      maxBuffer: answerBytesMax,
      encoding: 'utf8',
      ...(signal ? { signal } : {}),
    } as const;
    return new Promise((resolve, reject) => {
      execFile('docker', [...this.#context, ...args], options, (error, stdout, stderr) => {
        if (signal?.aborted) reject(cancelled(signal));
        else if (error === null) resolve({ exitCode: 0, stdout, stderr });
        else if (typeof error.code === 'number') resolve({ exitCode: error.code, stdout, stderr });
        else reject(notRun(error));
      });
    });
  }
}

function parsed(end: DockerEnd): object {
  try {
    return JSON.parse(end.stdout) as object;
  } catch {
    throw engineFailed(end);
  }
}

function engineFailed({ stderr }: Pick<DockerEnd, 'stderr'>): LifeboatError {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  const fact = lines.at(-1)?.slice(0, 500) ?? 'no engine answers';
  return new LifeboatError('volume.unavailable', `docker failed: ${fact}`, {
    hint: 'See that the engine runs and that this account may use it: `docker info`; and which context is selected: `docker context ls`.',
    retryable: true,
  });
}

function notRun(error: Error & { readonly code?: unknown; readonly killed?: boolean }) {
  const fact =
    error.code === 'ENOENT'
      ? 'there is no such program'
      : error.killed
        ? 'it did not answer in time'
        : String(error.code ?? error.message);
  return new LifeboatError('volume.unavailable', `could not ask docker: ${fact}`, {
    hint: 'Install docker on this host and see that it is on PATH, and that the engine answers: `docker info`.',
    cause: error,
    retryable: true,
  });
}
