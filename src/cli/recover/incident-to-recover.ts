import { formatDuration, LifeboatError } from '../../core/index.ts';
import type { Incident } from '../../incidents/index.ts';
import type { Surroundings } from '../../recovery/index.ts';
import type { Ask, CommandContext } from '../command.ts';
import type { IncidentDesk } from '../incident/incident-desk.ts';
import type { IncidentOptions } from '../incident/incident-options.ts';
import {
  isRecent,
  type KnownIncident,
  knownOf,
  recentMs,
  wishedOf,
} from '../incident/known-incident.ts';
import { openedIncident } from '../incident/open.ts';
import { formatMoment } from '../moment.ts';
import { programName } from '../next-command.ts';
import { printable } from '../output/printable.ts';
import type { LeadOptions } from './lead-recovery.ts';

interface Asked {
  readonly wanted: string | undefined;
  readonly options: LeadOptions;
  readonly context: CommandContext;
}

/**
 * The incident that is named, else the one that is open, or a new one: nothing is recovered without a record. Whoever sits at the terminal
 * chooses; in a script a title opens a new one, and so does an open one that is old: nobody is there to ask whether that is the same accident,
 * and a night must not pass over it. What happens after an incident was resolved is another one. What the options say stands above what it
 * says. Errors: `incident.unknown` where a script would have to choose, `incident.closed`.
 */
export async function incidentToRecover(
  desk: IncidentDesk,
  surroundings: Surroundings,
  asked: Asked,
): Promise<KnownIncident> {
  const { wanted, options, context } = asked;
  if (options.incident !== undefined) {
    const named = requireOpen(await desk.incidents.find(options.incident));
    return { ...knownOf(named, wanted), ...wishedOf(options) };
  }
  const open = await openHere(desk, surroundings);
  const chosen = await (context.ask === undefined
    ? chosenByScript(desk, open, options)
    : chosenByPerson(context.ask, open, asked));
  if (chosen === undefined) {
    const opened = await newIncident(desk, surroundings, asked);
    if (context.ask === undefined) await tellLeftOpen(desk, opened.id, open, asked);
    return opened;
  }
  context.output.report(
    { type: 'incident', ...chosen },
    ({ bold }) =>
      `Incident ${bold(chosen.id)}: ${chosen.severity} ${printable(chosen.title)}, opened ${formatMoment(chosen.openedAt)}`,
  );
  return { ...knownOf(chosen, wanted), ...wishedOf(options) };
}

/** Before anything is looked at. */
function requireOpen(incident: Incident): Incident {
  if (incident.status !== 'closed') return incident;
  throw new LifeboatError('incident.closed', `the incident ${incident.id} is closed already`, {
    hint: 'Leave --incident out: another incident is opened.',
  });
}

/** Newest first. One that is about nothing but sources of another configuration, with the same state folder, is none of ours. */
async function openHere(
  { incidents }: IncidentDesk,
  { configuration }: Surroundings,
): Promise<readonly Incident[]> {
  const isOurs = ({ sources }: Incident) =>
    sources.length === 0 || sources.some((name) => Object.hasOwn(configuration.sources, name));
  const all = await incidents.list({ onlyOpen: true });
  return all.filter((each) => each.status !== 'resolved' && isOurs(each));
}

async function chosenByScript(
  { incidents }: IncidentDesk,
  open: readonly Incident[],
  { title }: LeadOptions,
): Promise<Incident | undefined> {
  if (title !== undefined) return undefined;
  const [only, other] = open.filter(isRecent);
  return other === undefined ? only : await incidents.find('current');
}

/** Those that a script did not take: whoever comes in the morning finds them named in the record of the new one. */
async function tellLeftOpen(
  { incidents }: IncidentDesk,
  id: string,
  open: readonly Incident[],
  { options, context: { output, environment } }: Asked,
): Promise<void> {
  if (options.title !== undefined) return;
  for (const { id: old, title, openedAt } of open) {
    const fact = `the incident ${old} (${title}), opened ${formatMoment(openedAt)}, is still open; it was not taken for this one because it is older than ${formatDuration(recentMs)}`;
    const command = `${programName(environment)} recover --incident ${old}`;
    await incidents.tell(id)({ event: 'incident.note', text: fact, data: { incident: old } });
    output.report(
      { type: 'incident-left-open', incident: old, title, openedAt, command },
      (style) => style.yellow(`! ${printable(fact)}. To go on with it: ${command}`),
    );
  }
}

async function chosenByPerson(
  ask: Ask,
  open: readonly Incident[],
  { wanted, options }: Asked,
): Promise<Incident | undefined> {
  if (open.length === 0) return undefined;
  const isLikely = (incident: Incident) =>
    isRecent(incident) &&
    (wanted === undefined || incident.sources.length === 0 || incident.sources.includes(wanted));
  const likely = options.title === undefined ? open.find(isLikely) : undefined;
  const question =
    open.length === 1
      ? 'An incident is open. Is it about that one?'
      : 'Several incidents are open. Which one is it about?';
  const choices = open.map(({ id, severity, title, openedAt }) => ({
    value: id,
    label: `${id} ${severity} ${printable(title)}, opened ${formatMoment(openedAt)}`,
  }));
  const another = { value: 'new', label: 'another incident: open a new one' };
  const answer = await ask.choose(question, [...choices, another], likely?.id ?? another.value);
  return open.find(({ id }) => id === answer);
}

async function newIncident(
  desk: IncidentDesk,
  { configuration }: Surroundings,
  { wanted, options, context }: Asked,
): Promise<KnownIncident> {
  const names = Object.keys(configuration.sources);
  const known = wanted ?? (names.length === 1 ? names[0] : undefined);
  const usual = `recovery of ${known ?? names.join(', ')}`;
  const { title = context.ask === undefined ? usual : undefined } = options;
  const given: Partial<IncidentOptions> = {
    ...(title === undefined ? {} : { title }),
    ...(known === undefined ? {} : { source: [known] }),
    ...(options.severity === undefined ? {} : { severity: options.severity }),
    ...(options.type === undefined ? {} : { lossType: options.type }),
  };
  const incident = await openedIncident({
    desk,
    context,
    options: given as IncidentOptions,
    words: [],
  });
  return { ...knownOf(incident, wanted), ...wishedOf(options) };
}
