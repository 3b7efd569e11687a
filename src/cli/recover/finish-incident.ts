import { isLifeboatError, steadyNow } from '../../core/index.ts';
import type { Incident } from '../../incidents/index.ts';
import { clockOf, isRecovered, methods, type RunState } from '../../recovery/index.ts';
import type { CommandContext } from '../command.ts';
import type { IncidentDesk } from '../incident/incident-desk.ts';
import { programName } from '../next-command.ts';
import { describeClock } from '../output/clock-text.ts';
import { describeChanged } from '../output/incident-text.ts';
import { tickedBy } from './ticked-by-run.ts';

/**
 * What has become of the incident now that a run has ended: resolved where it is done, and closed where whoever sits here says so. A plan
 * that was made without an incident changes none. `isDown`: something of it is kept from working by a freeze that stands, so nothing is resolved.
 */
export async function finishIncident(
  state: RunState,
  { incidents }: IncidentDesk,
  context: CommandContext,
  { isDown }: { readonly isDown: boolean },
): Promise<void> {
  const { output, ask, environment } = context;
  if (state.phase !== 'done' && !isRecovered(state)) return;
  const incident = await openOne(state.plan.incident, incidents);
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

/** The incident of a run, unless it was closed, or is nobody's. */
async function openOne(
  id: string,
  incidents: IncidentDesk['incidents'],
): Promise<Incident | undefined> {
  try {
    const incident = await incidents.find(id);
    return incident.status === 'closed' ? undefined : incident;
  } catch (error) {
    if (isLifeboatError(error, 'incident.unknown')) return undefined;
    throw error;
  }
}

function summaryOf(state: RunState): string {
  const { sources, method, target, predicted } = state.plan;
  const clock = describeClock(clockOf(state, steadyNow()));
  const to = target === undefined || target.target.kind === 'latest' ? '' : `, to ${target.text}`;
  return `${sources.join(', ')}: ${methods[method].title}${to}; ${clock}; given up: ${predicted.loss}`;
}
