import type { RecoveryFile } from '../../../config/index.ts';
import { parseTimeSpan } from '../../../config/index.ts';
import { LifeboatError } from '../../../core/index.ts';
import { runCommand, runCommandWell } from '../run-command.ts';
import type { StepInputs } from '../step-inputs.ts';
import type { StepContext, StepKind } from '../step-kind.ts';
import { untilDone } from '../until-done.ts';

type Input = StepInputs['command'];
type Afterwards = NonNullable<RecoveryFile['after']>[number];

const withinDefaultMs = 10 * 60_000;
/** How long what was done may take to show. */
const effectMs = 10_000;

/** A command of `recovery.after`. Whether it was done its own `isDone` says; without one a person does. */
export const commandStep: StepKind<Input> = {
  name: 'command',

  async check({ name }, context) {
    entryOf(name, context);
    return [];
  },

  async probe({ name }, context) {
    const { isDone } = entryOf(name, context);
    if (!isDone) {
      return { found: 'unclear', what: `whether "${name}" was done: its isDone is not configured` };
    }
    const said = await runCommand(
      how(name, isDone, `see whether "${name}" was done`, context),
      context,
    );
    if (said.exitCode !== 0) return { found: 'not-done' };
    return {
      found: 'done',
      outcome: { text: `"${name}" was done`, result: {}, evidence: { said } },
    };
  },

  async run({ name }, context) {
    const { command, isDone } = entryOf(name, context);
    if (!command) throw gone(name);
    const call = how(name, command, `do "${name}"`, context);
    const said = await runCommandWell(call, context);
    const doubt = {
      isDone: isDone && how(name, isDone, `see whether "${name}" was done`, context),
      fact: `"${name}" is not done although ${command[0]} ended with 0`,
      waitMs: Math.min(call.timeoutMs, effectMs),
    };
    await untilDone(doubt, context);
    return { text: `did "${name}"`, result: {}, evidence: { said } };
  },

  async undo({ name }, _outcome, context) {
    const { undo } = entryOf(name, context);
    if (!undo) return `"${name}" has no undo in the configuration: it stays as it is`;
    await runCommandWell(how(name, undo, `undo "${name}"`, context), context);
    return `undid "${name}"`;
  },
};

function how(name: string, words: readonly string[], purpose: string, context: StepContext) {
  const { within } = entryOf(name, context);
  const timeoutMs = (within === undefined ? undefined : parseTimeSpan(within)) ?? withinDefaultMs;
  return { words, purpose, timeoutMs };
}

function entryOf(name: string, { surroundings }: StepContext): Afterwards {
  const { after = [] } = surroundings.configuration.recovery;
  const found = after.find((each) => each.name === name);
  if (found) return found;
  throw gone(name);
}

function gone(name: string): LifeboatError {
  return new LifeboatError('plan.refused', `recovery.after has no command "${name}" any more`, {
    hint: 'Make a new plan with the configuration as it is now.',
  });
}
