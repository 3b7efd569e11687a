import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileDurably } from '../../../core/index.ts';
import { runCommandWell } from '../run-command.ts';
import type { StepInputs } from '../step-inputs.ts';
import type { StepContext, StepKind } from '../step-kind.ts';

type Input = StepInputs['rotate-credentials'];

const timeoutMs = 10 * 60_000;

/**
 * Runs the command of each credential that `recovery.credentials` has one for, and tells which were changed; the others are a person's, who
 * says so in a step of its own. A credential that was changed twice locks somebody out: each that certainly was is noted
 * in the folder of the run, and left alone when the step is done once more, which after a failure or crash a person has to say.
 */
export const rotateCredentials: StepKind<Input> = {
  name: 'rotate-credentials',

  async probe(input, context) {
    const able = input.credentials.filter(({ name }) => commandFor(name, context) !== undefined);
    if (able.length === 0) return { found: 'not-done' };
    const open = able.filter(({ name }) => !existsSync(noteOf(name, context)));
    // All of them were, and only that the step ended was not seen.
    if (open.length === 0) return { found: 'continue' };
    const names = open.map(({ name }) => name).join(', ');
    return {
      found: 'unclear',
      what: `which of these were changed before the run was cut: ${names}; the timeline names those that certainly were`,
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
      if (!existsSync(noteOf(name, context))) {
        // What it prints may be the new secret: it is not kept.
        await runCommandWell(
          { words, purpose: `change ${name}`, timeoutMs, isSecret: true },
          context,
        );
        await writeFileDurably(noteOf(name, context), '');
        await context.tell({ event: 'run.credential-changed', text: `changed ${name}` });
      }
      changed.push(name);
    }
    return {
      text: `changed ${changed.length} credentials by their commands; ${byHand.length} are a person's`,
      result: { changed, byHand },
      evidence: { changed, byHand },
    };
  },
};

/** A name may be no name of a file. */
function noteOf(name: string, { folder }: StepContext): string {
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 32);
  return join(folder, `changed-${hash}`);
}

function commandFor(name: string, { surroundings }: StepContext): readonly string[] | undefined {
  const { credentials = [] } = surroundings.configuration.recovery;
  return credentials.find((each) => each.name === name)?.rotate;
}
