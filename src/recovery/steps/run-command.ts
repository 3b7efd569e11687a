import { LifeboatError } from '../../core/index.ts';
import { harmlessLines, type ProgramEnd, runProgram } from '../../platforms/index.ts';
import { noteCommand } from './begun-commands.ts';
import type { StepContext } from './step-kind.ts';

export interface CommandOfStep {
  readonly words: readonly string[];
  /** What it is to do, for errors: `point api at the restored server`. */
  readonly purpose: string;
  readonly timeoutMs: number;
  /** `LIFEBOAT_*` beside the environment of the recovery. */
  readonly variables?: Readonly<Record<string, string>>;
  /** What it prints is kept nowhere. */
  readonly isSecret?: true;
}

/** What a command of the configuration said, for the record. */
export interface CommandSaid {
  readonly command: readonly string[];
  readonly exitCode: number;
  /** The newest lines of both streams. */
  readonly said: readonly string[];
}

const linesKept = 20;

/** Runs a command of the configuration, whatever its exit code. Errors: those of `runProgram`. */
export async function runCommand(
  { words, purpose, timeoutMs, variables = {}, isSecret }: CommandOfStep,
  { surroundings, signal, token, incident, folder }: StepContext,
): Promise<CommandSaid> {
  using noted = new DisposableStack();
  const [program, ...args] = words as [string, ...string[]];
  const end: ProgramEnd = await runProgram({
    program,
    args,
    environment: {
      ...surroundings.environment,
      LIFEBOAT_TOKEN: token,
      LIFEBOAT_INCIDENT: incident,
      ...variables,
    },
    purpose,
    timeoutMs,
    signal,
    keep: 'newest',
    leavesPrograms: true,
    onStarted: (pid) => void noted.use(noteCommand(folder, pid, { purpose, timeoutMs })),
  });
  const printed = isSecret ? '' : `${end.stdout}\n${end.stderr}`;
  const lines = harmlessLines(printed).filter((line) => line !== '');
  return { command: words, exitCode: end.exitCode, said: lines.slice(-linesKept) };
}

/** The same for one that must end with 0. Errors: `run.failed` too, with its last line. */
export async function runCommandWell(
  command: CommandOfStep,
  context: StepContext,
): Promise<CommandSaid> {
  const said = await runCommand(command, context);
  if (said.exitCode === 0) return said;
  const last = said.said.at(-1);
  throw new LifeboatError(
    'run.failed',
    `could not ${command.purpose}: ${command.words[0]} ended with ${said.exitCode}${last === undefined ? '' : `: ${last}`}`,
    { hint: 'Look at what it did before it failed, put that right, then go on or abort.' },
  );
}
