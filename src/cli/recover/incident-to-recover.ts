import type { Surroundings } from '../../recovery/index.ts';
import type { CommandContext } from '../command.ts';
import type { IncidentDesk } from '../incident/incident-desk.ts';
import type { IncidentOptions } from '../incident/incident-options.ts';
import { type KnownIncident, knownOf, wishedOf } from '../incident/known-incident.ts';
import { openedIncident } from '../incident/open.ts';
import type { LeadOptions } from './lead-recovery.ts';

interface Asked {
  readonly wanted: string | undefined;
  readonly options: LeadOptions;
  readonly context: CommandContext;
}

/**
 * The incident that is named, else the one that is open, else a new one: nothing is recovered without a record. What happens after an
 * incident was resolved is another one. What the options say stands above what it says.
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
  const open = (await desk.incidents.list({ onlyOpen: true })).filter(
    ({ status }) => status !== 'resolved',
  );
  const [only, other] = open;
  if (only === undefined) return await newIncident(desk, surroundings, asked);
  const chosen =
    other === undefined || context.ask === undefined
      ? other === undefined
        ? only
        : await desk.incidents.find('current')
      : await desk.incidents.find(
          await context.ask.choose(
            'Several incidents are open. Which one is it about?',
            open.map(({ id, severity, title }) => ({
              value: id,
              label: `${id} ${severity} ${title}`,
            })),
            only.id,
          ),
        );
  context.output.report(
    { type: 'incident', ...chosen },
    ({ bold }) => `Incident ${bold(chosen.id)}: ${chosen.severity} ${chosen.title}`,
  );
  return { ...knownOf(chosen), ...wishedOf(options) };
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
