import { LifeboatError } from '../core/index.ts';
import type { CommandContext } from './command.ts';

/**
 * A destructive command goes on only when the name of its target was typed out, at the terminal or as
 * `--yes NAME`. Throws `confirmation.missing`.
 */
export async function confirmTarget(
  context: CommandContext,
  target: { readonly what: string; readonly name: string; readonly yes: string | undefined },
): Promise<void> {
  const { what, name, yes } = target;
  if (yes !== undefined) {
    if (yes === name) return;
    throw missing(`--yes names ${JSON.stringify(yes)}, but the ${what} is called "${name}"`, name);
  }
  if (!context.ask) throw missing('this changes data and was not confirmed', name);
  const typed = await context.ask.text(`To go on, type the name of the ${what} (${name})`);
  if (typed.trim() !== name) {
    throw missing(
      `${JSON.stringify(typed.trim())} was typed, the ${what} is called "${name}"`,
      name,
    );
  }
}

function missing(fact: string, name: string): LifeboatError {
  return new LifeboatError('confirmation.missing', fact, {
    hint: `Nothing was changed. Type the name when asked, or give --yes ${name} in a script.`,
  });
}
