import { steadyNow } from '../../core/index.ts';
import type { Incident } from '../../incidents/index.ts';
import { clockOf, isRecovered, methods, type RunState } from '../../recovery/index.ts';
import type { CommandContext } from '../command.ts';
import { nextCommand, programName } from '../next-command.ts';
import { describeClock } from '../output/clock-text.ts';
import { describeChanged } from '../output/incident-text.ts';
import { printable } from '../output/printable.ts';
import { lookAtDamage } from './make-plan.ts';
import { notClosed } from './not-closed.ts';
import type { OpenedRuns } from './open-runs.ts';
import { type LeftSource, sourcesLeft } from './sources-left.ts';
import { tickedBy } from './ticked-by-run.ts';

/**
 * What has become of the incident now that a run has ended: resolved where all that it is about was recovered or is well, and closed where whoever sits here says so. A plan
 * that was made without an incident changes none. `isDown`: something of it is kept from working by a freeze that stands, so nothing is resolved.
 */
export async function finishIncident(
  state: RunState,
  opened: Pick<OpenedRuns, 'desk' | 'runs' | 'surroundings'>,
  context: CommandContext,
  { isDown }: { readonly isDown: boolean },
): Promise<void> {
  const { output, ask, environment } = context;
  if (state.phase !== 'done' && !isRecovered(state)) return;
  const { incidents } = opened.desk;
  const incident = await notClosed(state.plan.incident, incidents);
  if (incident === undefined) return;
  const { id } = incident;
  const checklist = tickedBy(state);
  if (isDown) {
    await incidents.update(id, { checklist });
    const program = programName(environment);
    output.say(({ yellow }) =>
      yellow(
        `  The incident ${id} is not resolved: what is named above is still frozen. Thaw it, see that all works, then: ${program} incident close --summary TEXT`,
      ),
    );
    return;
  }
  const left = incident.status === 'resolved' ? [] : await leftOf(state, incident, opened, context);
  if (left.length > 0) {
    const isSafe = left.every(({ why }) => why === 'not-recovered');
    const status = isSafe ? ({ status: 'monitoring' } as const) : {};
    const names = left.map(({ source, text }) => `${source} (${text})`).join('; ');
    const done = state.plan.sources.join(', ');
    const text = `not resolved: ${done} was recovered, but not ${names}`;
    await incidents.update(id, { ...status, checklist }, text);
    tellLeft(id, left, opened, context);
    return;
  }
  await incidents.update(id, { status: 'resolved', checklist });
  const usual = summaryOf(state);
  const answer = await ask?.choose(
    `Close the incident ${id}?`,
    [
      { value: 'close', label: 'close it, with a sentence of what it was' },
      { value: 'keep', label: 'keep it open: it is watched further' },
    ],
    'close',
  );
  if (ask === undefined || answer !== 'close') {
    output.say(({ dim }) =>
      dim(
        `  The incident ${id} is resolved and still open. When it is over: ${programName(environment)} incident close --summary TEXT`,
      ),
    );
    return;
  }
  const summary = (await ask.text('What was it, and what did it cost?', usual)).trim() || usual;
  const closed = await incidents.close(id, summary);
  output.report({ type: 'incident-closed', ...closed }, (style) =>
    describeChanged(closed, true, style),
  );
}

async function leftOf(
  state: RunState,
  incident: Incident,
  { runs, surroundings }: Pick<OpenedRuns, 'runs' | 'surroundings'>,
  context: CommandContext,
): Promise<readonly LeftSource[]> {
  return await sourcesLeft({
    incident,
    state,
    runs,
    configured: Object.keys(surroundings.configuration.sources),
    look: async (sources) => {
      context.output.say(({ dim }) =>
        dim(`  Looking at ${sources.join(', ')}, which the incident may be about, too.`),
      );
      return await lookAtDamage({ surroundings, context, sources }, true);
    },
  });
}

/** Nobody comes back to look: which they are, and what to type. */
function tellLeft(
  id: string,
  left: readonly LeftSource[],
  { surroundings: { configuration } }: Pick<OpenedRuns, 'surroundings'>,
  context: CommandContext,
): void {
  const program = programName(context.environment);
  const resolve = `${program} incident update "all is well" --status resolved --incident ${id}`;
  const told = left.map((each) => ({
    ...each,
    command: nextCommand(context, { configuration, source: { name: each.source } })(
      'recover',
      `--incident ${id}`,
    ),
  }));
  const record = { type: 'incident-not-resolved', incident: id, left: told, resolve };
  context.output.report(record, ({ yellow, bold, dim }) =>
    [
      yellow(`! The incident ${id} is not resolved: something that it is about is not recovered.`),
      ...told.map(
        ({ source, text, command }) => `    ${source}: ${printable(text)}\n      ${bold(command)}`,
      ),
      dim(`    If all is well: ${resolve}`),
    ].join('\n'),
  );
}

function summaryOf(state: RunState): string {
  const { sources, method, target, predicted } = state.plan;
  const clock = describeClock(clockOf(state, steadyNow()));
  const to = target === undefined || target.target.kind === 'latest' ? '' : `, to ${target.text}`;
  return `${sources.join(', ')}: ${methods[method].title}${to}; ${clock}; given up: ${predicted.loss}`;
}
