import { runCommandWell } from '../run-command.ts';
import type { StepInputs } from '../step-inputs.ts';
import type { StepContext, StepKind } from '../step-kind.ts';

type Input = StepInputs['rotate-credentials'];

const timeoutMs = 10 * 60_000;

/**
 * Runs the command of each credential that `recovery.credentials` has one for, and tells which were changed; the others are a person's,
 * which the approval of the step stands for. After a crash a person is asked: a credential that was changed twice locks somebody out.
 */
export const rotateCredentials: StepKind<Input> = {
  name: 'rotate-credentials',

  async probe(input, context) {
    const able = input.credentials.filter(({ name }) => commandFor(name, context) !== undefined);
    if (able.length === 0) return { found: 'not-done' };
    return {
      found: 'unclear',
      what: `which of these were changed before the run was cut: ${able.map(({ name }) => name).join(', ')}; the timeline names those that certainly were`,
    };
  },

  async run({ credentials }, context) {
    const changed: string[] = [];
    const byHand: string[] = [];
    for (const { name, how } of credentials) {
      const words = commandFor(name, context);
      if (words === undefined) {
        byHand.push(`${name}: ${how}`);
        continue;
      }
      // What it prints may be the new secret: it is not kept.
      await runCommandWell(
        { words, purpose: `change ${name}`, timeoutMs, isSecret: true },
        context,
      );
      changed.push(name);
      await context.tell({ event: 'run.credential-changed', text: `changed ${name}` });
    }
    return {
      text: `changed ${changed.length} credentials by their commands; ${byHand.length} are a person's`,
      result: { changed, byHand },
      evidence: { changed, byHand },
    };
  },
};

function commandFor(name: string, { surroundings }: StepContext): readonly string[] | undefined {
  const { credentials = [] } = surroundings.configuration.recovery;
  return credentials.find((each) => each.name === name)?.rotate;
}
