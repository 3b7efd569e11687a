import { LifeboatError } from '../../core/index.ts';
import { programFailed } from '../program-failed.ts';
import { type ProgramEnd, runProgram } from '../run-program.ts';
import type { ClusterObject } from './cluster-objects.ts';
import { type Refusal, refusalOf, wordsOf } from './kubectl-refusal.ts';

/** Which cluster, with whose credentials; as kubectl takes it. */
export interface KubectlPlace {
  /** Default: that of KUBECONFIG, or kubectl's own. */
  readonly kubeconfig?: string | undefined;
  /** Default: the current one. */
  readonly context?: string | undefined;
}

export interface KubectlCall {
  readonly args: readonly string[];
  /** What it is done for: `read deployment/api in namespace shop`. */
  readonly purpose: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** What it reads. */
  readonly input?: string;
  readonly keep?: 'all' | 'newest';
}

export type KubectlAnswer =
  | { readonly refusal?: undefined; readonly stdout: string }
  | { readonly refusal: Refusal; readonly error: LifeboatError };

/** One request to the API server takes no longer than this, however long the whole may take. */
const requestTimeoutMs = 30_000;

/**
 * Runs kubectl for one place. Errors: `platform.unavailable` (no kubectl, no such context, no answer from the API server, or it
 * does not allow what is asked for), `platform.failed`, `platform.timeout`, `cancelled`.
 */
export class Kubectl {
  readonly #place: KubectlPlace;
  readonly #environment: NodeJS.ProcessEnv;

  constructor(place: KubectlPlace, environment: NodeJS.ProcessEnv) {
    this.#place = place;
    // English, as its words are read; no defaults and aliases of the user for its flags.
    this.#environment = { ...environment, LC_ALL: 'C', LANG: 'C', KUBECTL_KUBERC: 'false' };
  }

  /** For a program that is started by somebody else: all that leads to the place. */
  command(args: readonly string[]): {
    readonly program: string;
    readonly args: readonly string[];
    readonly environment: NodeJS.ProcessEnv;
  } {
    const { kubeconfig, context } = this.#place;
    return {
      program: 'kubectl',
      args: [
        ...(kubeconfig === undefined ? [] : ['--kubeconfig', kubeconfig]),
        ...(context === undefined ? [] : ['--context', context]),
        ...args,
      ],
      environment: this.#environment,
    };
  }

  /** Resolves also when it was refused. Rejects when there is no kubectl, when it hangs, or is cancelled. */
  async attempt(call: KubectlCall): Promise<KubectlAnswer> {
    const limitMs = Math.ceil(Math.min(requestTimeoutMs, Math.max(call.timeoutMs, 1_000)));
    const end = await runProgram({
      ...this.command([...call.args, `--request-timeout=${limitMs}ms`]),
      purpose: call.purpose,
      // It retries some requests by itself, each with its own limit.
      timeoutMs: Math.max(call.timeoutMs, limitMs) + 5_000,
      signal: call.signal,
      ...(call.input === undefined ? {} : { input: call.input }),
      ...(call.keep === undefined ? {} : { keep: call.keep }),
    });
    if (end.exitCode === 0) return { stdout: end.stdout };
    const refusal = refusalOf(end.stderr);
    return { refusal, error: refused(call, end, refusal) };
  }

  /** What it printed. */
  async run(call: KubectlCall): Promise<string> {
    const answer = await this.attempt(call);
    if (answer.refusal !== undefined) throw answer.error;
    return answer.stdout;
  }

  /** The answer of `--output json`. */
  async json<Answer>(call: KubectlCall): Promise<Answer> {
    return parsed(call, await this.run({ ...call, args: [...call.args, '--output', 'json'] }));
  }

  /** One object; undefined when there is none of that name. */
  async find<Found extends ClusterObject>(call: KubectlCall): Promise<Found | undefined> {
    const answer = await this.attempt({ ...call, args: [...call.args, '--output', 'json'] });
    if (answer.refusal === 'not-found') return undefined;
    if (answer.refusal !== undefined) throw answer.error;
    return parsed(call, answer.stdout);
  }
}

function parsed<Answer>({ purpose }: KubectlCall, text: string): Answer {
  try {
    return JSON.parse(text) as Answer;
  } catch (cause) {
    throw new LifeboatError(
      'platform.failed',
      `cannot ${purpose}: kubectl printed something else than JSON`,
      { cause },
    );
  }
}

function refused(call: KubectlCall, end: ProgramEnd, refusal: Refusal): LifeboatError {
  const error = programFailed(
    { program: 'kubectl', purpose: call.purpose },
    { ...end, stderr: wordsOf(end.stderr) },
  );
  const hint = hints[refusal];
  if (hint === undefined) return error;
  const { message, context } = error;
  const retryable = refusal === 'unreachable';
  return new LifeboatError('platform.unavailable', message, { hint, context, retryable });
}

const hints: { readonly [Reason in Refusal]?: string } = {
  denied:
    'Look with `kubectl auth whoami` and `kubectl config get-contexts` as whom and where commands go. docs/guide/services.md prints the role that Lifeboat needs.',
  unreachable:
    'See that the API server answers: `kubectl get --raw /readyz`. Repeating the command is safe: what was done already is not done again.',
};
