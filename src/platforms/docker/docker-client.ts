import { LifeboatError } from '../../core/index.ts';
import { programFailed, type Unavailability } from '../program-failed.ts';
import { type ProgramCall, type ProgramEnd, runProgram } from '../run-program.ts';

export interface DockerCall {
  /** `stop the container shop-api`, for errors. */
  readonly purpose: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly keep?: 'all' | 'newest';
}

const unavailable: Unavailability = {
  says: /cannot connect to the docker daemon|error during connect|permission denied while trying to connect|unable to resolve docker endpoint|context not found|is the docker daemon running/i,
  hint: 'See that the engine runs, that this account may use it (docker info tells), and which context is selected (docker context ls).',
};

/**
 * Docker's own command line for one context. What `docker context use` selects is asked for once: a context that is switched meanwhile
 * does not move the commands of a run to another engine.
 */
export class DockerClient {
  readonly #environment: NodeJS.ProcessEnv;
  readonly #asked: string | undefined;
  #context: Promise<string> | undefined;
  #compose: Promise<readonly string[]> | undefined;

  constructor(context: string | undefined, environment: NodeJS.ProcessEnv) {
    this.#asked = context;
    this.#environment = { ...environment, LC_ALL: 'C' };
  }

  /** Name of the context that commands go to. */
  context(call: DockerCall): Promise<string> {
    if (this.#asked !== undefined) return Promise.resolve(this.#asked);
    // An answer that did not come is asked for again.
    this.#context ??= this.#good('docker', ['context', 'inspect', '--format', '{{.Name}}'], call)
      .then(({ stdout }) => stdout.trim())
      .catch((error) => {
        this.#context = undefined;
        throw error;
      });
    return this.#context;
  }

  /** Rejects unless docker ends with 0. */
  async run(args: readonly string[], call: DockerCall): Promise<ProgramEnd> {
    return this.#good('docker', ['--context', await this.context(call), ...args], call);
  }

  /** Ends with whatever exit code. */
  async try(args: readonly string[], call: DockerCall): Promise<ProgramEnd> {
    const context = await this.context(call);
    return runProgram(this.#call('docker', ['--context', context, ...args], call));
  }

  /** The error of what `try` gave. */
  failure(end: ProgramEnd, { purpose }: DockerCall): LifeboatError {
    return programFailed({ program: 'docker', purpose }, end, unavailable);
  }

  /** Compose as a plugin, or as the program of its own that Debian and others install. */
  async compose(args: readonly string[], call: DockerCall): Promise<ProgramEnd> {
    const context = await this.context(call);
    this.#compose ??= this.#findCompose(context, call).catch((error) => {
      this.#compose = undefined;
      throw error;
    });
    const [program, ...first] = await this.#compose;
    return this.#good(program as string, [...first, ...args], call, this.#environmentFor(context));
  }

  async #findCompose(context: string, call: DockerCall): Promise<readonly string[]> {
    const plugin = ['--context', context, 'compose'];
    const asked = await runProgram(this.#call('docker', [...plugin, 'version'], call));
    if (asked.exitCode === 0) return ['docker', ...plugin];
    try {
      await runProgram(this.#call('docker-compose', ['version'], call));
      return ['docker-compose'];
    } catch (error) {
      throw new LifeboatError(
        'platform.unavailable',
        `cannot ${call.purpose}: there is no docker compose`,
        {
          hint: 'Install the compose plugin of Docker, or docker-compose of version 2 or newer.',
          cause: error,
        },
      );
    }
  }

  /** The program of its own takes the context from the environment, where DOCKER_HOST would go before it. */
  #environmentFor(context: string): NodeJS.ProcessEnv {
    const { DOCKER_HOST, ...others } = this.#environment;
    const host = context === 'default' && DOCKER_HOST !== undefined ? { DOCKER_HOST } : {};
    return { ...others, ...host, DOCKER_CONTEXT: context };
  }

  async #good(
    program: string,
    args: readonly string[],
    call: DockerCall,
    environment?: NodeJS.ProcessEnv,
  ): Promise<ProgramEnd> {
    const end = await runProgram(this.#call(program, args, call, environment));
    if (end.exitCode === 0) return end;
    throw programFailed({ program, purpose: call.purpose }, end, unavailable);
  }

  #call(
    program: string,
    args: readonly string[],
    call: DockerCall,
    environment = this.#environment,
  ): ProgramCall {
    return { program, args, environment, ...call };
  }
}
