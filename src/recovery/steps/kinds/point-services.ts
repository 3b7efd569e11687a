import type { ServiceSetting } from '../../../config/index.ts';
import { LifeboatError } from '../../../core/index.ts';
import { placeVariables } from '../../validate/application/restored-place.ts';
import { placeLeftBy } from '../restored-place.ts';
import {
  type CommandOfStep,
  type CommandSaid,
  runCommand,
  runCommandWell,
} from '../run-command.ts';
import type { StepInputs } from '../step-inputs.ts';
import type { StepContext, StepKind, StepOutcome } from '../step-kind.ts';
import { serviceNamed } from '../step-services.ts';
import { untilDone } from '../until-done.ts';

type Input = StepInputs['point-services'];
type Switch = NonNullable<ServiceSetting['switch']>;

const timeoutMs = 10 * 60_000;
/** How long what was changed may take to show. */
const effectMs = 10_000;

/**
 * Points each service at the restored place by its own command. One that says that it points there already is left alone, so that the
 * step can go on after a crash; without `isDone` a person is asked.
 */
export const pointServices: StepKind<Input> = {
  name: 'point-services',

  async probe(input, context) {
    const states = await Promise.all(
      input.services.map((name) => pointsThere(name, input, context)),
    );
    if (states.every((there) => there === true)) {
      return { found: 'done', outcome: outcomeOf(input, []) };
    }
    const unknown = input.services.filter((_, at) => states[at] === undefined);
    if (unknown.length === 0) return { found: 'continue' };
    return {
      found: 'unclear',
      what: `whether ${unknown.join(', ')} ${unknown.length === 1 ? 'points' : 'point'} at the restored ${input.source}: services.*.switch.isDone is not configured`,
    };
  },

  async run(input, context) {
    const said: CommandSaid[] = [];
    for (const name of input.services) {
      if ((await pointsThere(name, input, context)) === true) continue;
      const command = {
        words: switchOf(name, context).command,
        purpose: `point ${name} at the restored ${input.source}`,
        timeoutMs,
        variables: placeVariables(placeLeftBy(input.of, context)),
      };
      said.push(await runCommandWell(command, context));
      const doubt = {
        isDone: whetherDone(name, input, context),
        fact: `${name} does not point at the restored ${input.source} although ${command.words[0]} ended with 0`,
        waitMs: effectMs,
      };
      await untilDone(doubt, context);
      await context.tell({
        event: 'run.service-pointed',
        text: `pointed ${name} at the restored ${input.source}`,
        source: input.source,
      });
    }
    return outcomeOf(input, said);
  },

  async undo(input, _outcome, context) {
    for (const name of [...input.services].reverse()) {
      const command = {
        words: switchOf(name, context).undo,
        purpose: `point ${name} back`,
        timeoutMs,
        variables: placeVariables(placeLeftBy(input.of, context)),
      };
      await runCommandWell(command, context);
    }
    return `pointed ${input.services.join(', ')} back`;
  },
};

/** undefined: nobody can tell. */
async function pointsThere(
  name: string,
  input: Input,
  context: StepContext,
): Promise<boolean | undefined> {
  const look = whetherDone(name, input, context);
  if (look === undefined) return undefined;
  const { exitCode } = await runCommand(look, context);
  return exitCode === 0;
}

function whetherDone(name: string, input: Input, context: StepContext): CommandOfStep | undefined {
  const { isDone } = switchOf(name, context);
  if (isDone === undefined) return undefined;
  return {
    words: isDone,
    purpose: `see where ${name} points`,
    timeoutMs,
    variables: placeVariables(placeLeftBy(input.of, context)),
  };
}

function switchOf(name: string, { surroundings }: StepContext): Switch {
  const setting = serviceNamed(surroundings, name).switch;
  if (setting) return setting;
  throw new LifeboatError('plan.refused', `services.${name}.switch is not configured any more`, {
    hint: 'Make a new plan with the configuration as it is now.',
  });
}

function outcomeOf({ services, source }: Input, said: readonly CommandSaid[]): StepOutcome {
  return {
    text: `pointed ${services.join(', ')} at the restored ${source}`,
    result: { services },
    evidence: { commands: said },
  };
}
