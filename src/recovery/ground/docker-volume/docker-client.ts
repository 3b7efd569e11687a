import { LifeboatError } from '../../../core/index.ts';
import { runScript, type ScriptCall, type ScriptEnd } from '../in-volume/run-script.ts';

/** Docker's own command line, with the context of the configuration. */
export class DockerClient {
  readonly #context: string | undefined;
  readonly #environment: NodeJS.ProcessEnv;

  constructor(context: string | undefined, environment: NodeJS.ProcessEnv) {
    this.#context = context;
    this.#environment = environment;
  }

  /** Whatever its exit code. Errors: `ground.unavailable` (there is no docker), `cancelled`. */
  async run(
    args: readonly string[],
    call: Pick<ScriptCall, 'input' | 'signal'> = {},
  ): Promise<ScriptEnd> {
    const context = this.#context === undefined ? [] : ['--context', this.#context];
    const environment = this.#environment;
    return await runScript({
      program: 'docker',
      args: [...context, ...args],
      environment,
      ...call,
    });
  }

  /** What it said, without the last line end. Errors: `ground.unavailable`, `cancelled`. */
  async ask(args: readonly string[], signal?: AbortSignal): Promise<string> {
    const end = await this.run(args, { signal });
    if (end.exitCode !== 0) throw dockerFailed(end);
    return end.stdout.toString('utf8').replace(/\n$/, '');
  }
}

/** The engine did not do it: no daemon, no access, no such image. */
export function dockerFailed({ stderr, exitCode }: ScriptEnd): LifeboatError {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  const said = lines.filter((line) => !/^Run 'docker .*help'|^See 'docker/.test(line));
  const fact = said.at(-1)?.replace(/^docker: /, '') ?? `it ended with ${exitCode}`;
  return new LifeboatError('ground.unavailable', `docker failed: ${fact}`, {
    hint: 'See that the engine runs and that this account may use it: `docker info`.',
    context: { said: said.slice(-4) },
    retryable: true,
  });
}
