import type { Surroundings } from '../../recovery/index.ts';
import type { CommandContext } from '../command.ts';
import { nextCommand } from '../next-command.ts';
import { printable } from '../output/printable.ts';
import type { AimedPlan } from './plan-where-damaged.ts';
import type { Scope } from './scope.ts';

/** Sources of which nothing is known. */
export function tellNotLooked({ notLooked }: Scope, { output }: CommandContext): void {
  if (notLooked.length === 0) return;
  output.report({ type: 'not-looked-at', sources: notLooked }, ({ yellow }) =>
    yellow(`! Not looked at: ${notLooked.join(', ')}`),
  );
}

/** That the plan is for others than those of the incident, and what was said that it does not heed. */
export function tellElsewhere(
  { aim, elsewhere }: AimedPlan,
  { configuration }: Surroundings,
  context: CommandContext,
): void {
  if (elsewhere === undefined) return;
  const { own, lossType, reasons } = elsewhere;
  const recover = (name: string, rest: string) =>
    nextCommand(context, { configuration, source: { name } })('recover', rest);
  const notApplied = lossType === undefined ? [] : [`--type ${lossType}`];
  const commands = {
    own: own.map((name) => recover(name, '')),
    same: notApplied.flatMap((type) => aim.sources.map((name) => recover(name, type))),
  };
  const { sources } = aim;
  context.output.report(
    { type: 'planned-elsewhere', sources, own, notApplied, reasons, commands },
    ({ yellow, bold }) => {
      const [ours, others] = [own.join(', '), sources.join(', ')];
      const said =
        lossType === undefined
          ? []
          : [
              yellow(`  "${lossType}" was said of ${ours} and is not applied to ${others}.`),
              ...reasons.map((reason) => `    no plan for ${ours}: ${printable(reason)}`),
              `    If the same happened to ${others}: ${bold(commands.same.join('; '))}`,
            ];
      return [
        yellow(`! No damage was found in ${ours}. The plan is for what is damaged: ${others}.`),
        ...said,
        `    If something is wrong with ${ours} all the same: ${bold(commands.own.join('; '))}`,
      ].join('\n');
    },
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
