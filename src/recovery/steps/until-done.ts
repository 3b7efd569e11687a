import { LifeboatError, sleep } from '../../core/index.ts';
import { type CommandOfStep, runCommand } from './run-command.ts';
import type { StepContext } from './step-kind.ts';

const pauseMs = 2_000;

export interface Doubt {
  /** Ends with 0 when it is so; undefined: nobody can tell, and the exit code of the command stands. */
  readonly isDone: CommandOfStep | undefined;
  /** What is not so, for the error: `"migrate" is not done although migrate.sh ended with 0`. */
  readonly fact: string;
  /** What takes effect a little later, such as DNS, is waited for. */
  readonly waitMs: number;
}

/** A command that ended with 0 may have done nothing. Errors: `run.failed` when `isDone` says no to the end; those of `runCommand`. */
export async function untilDone({ isDone, fact, waitMs }: Doubt, context: StepContext) {
  if (isDone === undefined) return;
  for (let leftMs = waitMs; ; leftMs -= pauseMs) {
    const { exitCode, said } = await runCommand(isDone, context);
    if (exitCode === 0) return;
    if (leftMs <= pauseMs) {
      const last = said.at(-1);
      throw new LifeboatError('run.failed', fact, {
        hint: `${isDone.words[0]} ended with ${exitCode}${last === undefined ? '' : `: ${last}`}. See what the command really did, put that right, then go on or abort.`,
      });
    }
    await sleep(pauseMs, context.signal);
  }
}
