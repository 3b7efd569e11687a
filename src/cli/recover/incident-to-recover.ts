import type { Incident } from '../../incidents/index.ts';
import type { Surroundings } from '../../recovery/index.ts';
import type { Ask, CommandContext } from '../command.ts';
import type { IncidentDesk } from '../incident/incident-desk.ts';
import type { IncidentOptions } from '../incident/incident-options.ts';
import { type KnownIncident, knownOf, wishedOf } from '../incident/known-incident.ts';
import { openedIncident } from '../incident/open.ts';
import { formatMoment } from '../moment.ts';
import { printable } from '../output/printable.ts';
import type { LeadOptions } from './lead-recovery.ts';

interface Asked {
  readonly wanted: string | undefined;
  readonly options: LeadOptions;
  readonly context: CommandContext;
}

/** What was opened longer ago may be another accident, of which nobody closed the record. */
const recentMs = 12 * 3_600_000;

/**
 * The incident that is named, else the one that is open, or a new one: nothing is recovered without a record. Whoever sits at the terminal
 * chooses; in a script a title opens a new one. What happens after an incident was resolved is another one. What the options say stands above
 * what it says. Errors: `incident.unknown` where a script would have to choose.
 */
export async function incidentToRecover(
  desk: IncidentDesk,
  surroundings: Surroundings,
  asked: Asked,
): Promise<KnownIncident> {
  const { options, context } = asked;
  if (options.incident !== undefined) {
    return { ...knownOf(await desk.incidents.find(options.incident)), ...wishedOf(options) };
  }
  const open = await openHere(desk, surroundings);
  const chosen = await (context.ask === undefined
    ? chosenByScript(desk, open, options)
    : chosenByPerson(context.ask, open, asked));
  if (chosen === undefined) return await newIncident(desk, surroundings, asked);
  context.output.report(
    { type: 'incident', ...chosen },
    ({ bold }) =>
      `Incident ${bold(chosen.id)}: ${chosen.severity} ${printable(chosen.title)}, opened ${formatMoment(chosen.openedAt)}`,
  );
  return { ...knownOf(chosen), ...wishedOf(options) };
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
  [only, other]: readonly Incident[],
  { title }: LeadOptions,
): Promise<Incident | undefined> {
  if (title !== undefined) return undefined;
  return other === undefined ? only : await incidents.find('current');
}

async function chosenByPerson(
  ask: Ask,
  open: readonly Incident[],
  { wanted, options }: Asked,
): Promise<Incident | undefined> {
  if (open.length === 0) return undefined;
  const isLikely = ({ openedAt, sources }: Incident) =>
    Date.now() - openedAt.getTime() < recentMs &&
    (wanted === undefined || sources.length === 0 || sources.includes(wanted));
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
  return { ...knownOf(incident), ...wishedOf(options) };
}
