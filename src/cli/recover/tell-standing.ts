import type { RunState, StandingFreeze } from '../../recovery/index.ts';
import { standingFreezes } from '../../recovery/index.ts';
import type { CommandContext } from '../command.ts';
import { programName, quoteArgument } from '../next-command.ts';
import { printable } from '../output/printable.ts';
import type { OpenedRuns } from './open-runs.ts';

/**
 * Names the freezes that stand in the way of what the run was about, now that it has ended: nobody comes back to look. Resolves with whether something is
 * kept from working by them.
 */
export async function tellStanding(
  { plan }: RunState,
  { surroundings }: OpenedRuns,
  { output, environment }: CommandContext,
): Promise<boolean> {
  const standing = await standingFreezes(surroundings.configuration, plan.sources);
  for (const each of standing) {
    const { freeze, sources } = each;
    const names = sources.map(quoteArgument).join(' ');
    const command = `${programName(environment)} thaw ${names} --freeze ${freeze}`;
    output.report({ type: 'freeze-stands', ...each, command }, ({ yellow, bold }) =>
      [
        yellow(`  ! ${printable(describe(each))}`),
        `    When it may write again: ${bold(command)}`,
      ].join('\n'),
    );
  }
  return standing.some(({ items }) => items.length > 0);
}

function describe({ sources, by, services, items }: StandingFreeze): string {
  const down = services.length === 0 ? '' : `; stopped stays ${services.join(', ')}`;
  const closed = items.filter((name) => !services.some((each) => name === `service ${each}`));
  const rest = closed.length === 0 ? '' : `; so does ${closed.join(', ')}`;
  return `still frozen: ${sources.join(', ')}, ${by.join('; ')}${down}${rest}`;
}
