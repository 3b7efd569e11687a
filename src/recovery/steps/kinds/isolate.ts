import { LifeboatError } from '../../../core/index.ts';
import { type CommandSaid, runCommandWell } from '../run-command.ts';
import type { StepInputs } from '../step-inputs.ts';
import type { StepContext, StepKind } from '../step-kind.ts';
import { platformOf, serviceNamed } from '../step-services.ts';

type Input = StepInputs['isolate'];

const timeoutMs = 10 * 60_000;

/**
 * Cuts services off from every network by their platform, and runs the commands of `recovery.isolate`. Cutting off what is cut off
 * already changes nothing, so it is simply done again after a crash. There is no undo: what was compromised goes back by hand alone.
 */
export const isolate: StepKind<Input> = {
  name: 'isolate',

  async check(input, { surroundings }) {
    return input.services
      .filter((name) => {
        const service = serviceNamed(surroundings, name);
        return platformOf(surroundings, service).isolation === undefined;
      })
      .map(
        (name) => `${name} cannot be cut off by its platform: name a command in recovery.isolate`,
      );
  },

  async probe() {
    return { found: 'continue' };
  },

  async run(input, context) {
    const undo: Record<string, Readonly<Record<string, unknown>>> = {};
    const cannot: string[] = [];
    for (const name of input.services) {
      const service = serviceNamed(context.surroundings, name);
      const { isolation } = platformOf(context.surroundings, service);
      if (isolation === undefined) {
        cannot.push(name);
        continue;
      }
      const before = await isolation.prepare(service, { signal: context.signal });
      // What lets it back is durable before anything is cut: nobody could find it out afterwards.
      await context.tell({
        event: 'run.isolating',
        text: `cutting ${name} off from every network`,
        data: { service: name, undo: before },
      });
      await isolation.isolate(service, { signal: context.signal });
      undo[name] = before;
      await told(`cut ${name} off from every network`, context);
    }
    const said: CommandSaid[] = [];
    for (const name of input.commands) {
      const words = commandNamed(name, context);
      said.push(await runCommandWell({ words, purpose: `isolate ${name}`, timeoutMs }, context));
      await told(`isolated ${name} by its command`, context);
    }
    const all = [...Object.keys(undo), ...input.commands];
    return {
      text: `cut off ${all.join(', ') || 'nothing'}${cannot.length === 0 ? '' : `; not ${cannot.join(', ')}, whose platform cannot`}`,
      result: { undo, cannot },
      evidence: { commands: said },
    };
  },
};

async function told(text: string, { tell }: StepContext): Promise<void> {
  await tell({ event: 'run.isolated', text });
}

function commandNamed(name: string, { surroundings }: StepContext): readonly string[] {
  const { isolate: commands = [] } = surroundings.configuration.recovery;
  const found = commands.find((each) => each.name === name);
  if (found) return found.command;
  throw new LifeboatError('plan.refused', `recovery.isolate has no ${name} any more`, {
    hint: 'Make a new plan with the configuration as it is now.',
  });
}
