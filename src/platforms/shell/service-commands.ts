import type { ShellService } from '../../config/index.ts';
import { LifeboatError } from '../../core/index.ts';
import { programFailed } from '../program-failed.ts';
import { type ProgramEnd, runProgram } from '../run-program.ts';

type CommandName = 'stop' | 'start' | 'isRunning' | 'output';

const purposes: Readonly<Record<CommandName, string>> = {
  stop: 'stop',
  start: 'start',
  isRunning: 'see whether it runs:',
  output: 'read the output of',
};

export interface CommandTime {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** The user's commands for one service. */
export class ServiceCommands {
  readonly #service: ShellService;
  readonly #environment: NodeJS.ProcessEnv;

  constructor(service: ShellService, environment: NodeJS.ProcessEnv) {
    this.#service = service;
    this.#environment = environment;
  }

  async isRunning(time: CommandTime): Promise<boolean> {
    const call = this.#call('isRunning', time);
    const end = await runProgram(call);
    if (end.exitCode === 0 || end.exitCode === 1) return end.exitCode === 0;
    const { message, context } = programFailed(call, end);
    throw new LifeboatError('platform.failed', message, {
      context,
      hint: `isRunning of the service ${this.#service.name} has to end with 0 or 1; it ended with ${end.exitCode}.`,
    });
  }

  /** Its standard output. Rejects unless it ends with 0. */
  async run(command: CommandName, time: CommandTime): Promise<string> {
    const call = this.#call(command, time);
    const end: ProgramEnd = await runProgram(call);
    if (end.exitCode !== 0) throw programFailed(call, end);
    return end.stdout;
  }

  #call(command: CommandName, { timeoutMs, signal }: CommandTime) {
    const [program, ...args] = this.#service[command] ?? [];
    return {
      program: program as string,
      args,
      environment: this.#environment,
      purpose: `${purposes[command]} the service ${this.#service.name}`,
      timeoutMs,
      signal,
      keep: 'newest' as const,
      leavesPrograms: command === 'start',
    };
  }
}
