import type { Surroundings } from '../../recovery/index.ts';
import type { CommandContext } from '../command.ts';
import { nextCommand } from '../next-command.ts';
import type { Scope } from './scope.ts';

/** Sources of which nothing is known. */
export function tellNotLooked({ notLooked }: Scope, { output }: CommandContext): void {
  if (notLooked.length === 0) return;
  output.report({ type: 'not-looked-at', sources: notLooked }, ({ yellow }) =>
    yellow(`! Not looked at: ${notLooked.join(', ')}`),
  );
}

/** What is damaged and left as it is, with the command that recovers it. */
export function tellBesides(
  besides: readonly string[],
  { configuration }: Surroundings,
  context: CommandContext,
): void {
  for (const name of besides) {
    const command = nextCommand(context, { configuration, source: { name } })('recover', '');
    context.output.report({ type: 'damaged-besides', source: name, command }, ({ yellow, bold }) =>
      yellow(`! ${name} is damaged, too, and not part of this: ${bold(command)}`),
    );
  }
}
