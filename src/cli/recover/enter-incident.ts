import type { Plan } from '../../recovery/index.ts';
import type { CommandContext } from '../command.ts';
import type { IncidentDesk } from '../incident/incident-desk.ts';
import type { KnownIncident } from '../incident/known-incident.ts';
import { notClosed } from './not-closed.ts';

/**
 * Enters into the incident that a plan is about to be carried out, and the sources that it did not know of: whoever reads it later sees all that
 * was recovered. A plan that was made without an incident enters none. `known`: what the plan was made with.
 */
export async function enterIncident(
  { incident: id, sources }: Pick<Plan, 'incident' | 'sources'>,
  known: Pick<KnownIncident, 'lossType' | 'sources'> | undefined,
  { incidents }: Pick<IncidentDesk, 'incidents'>,
  { output }: Pick<CommandContext, 'output'>,
): Promise<void> {
  const incident = await notClosed(id, incidents);
  if (incident === undefined) return;
  const addedSources = sources.filter((name) => !incident.sources.includes(name));
  // What happened to others would be taken for what happened to those that the incident names.
  const isAboutOwn =
    known?.sources.length === 0 || sources.every((name) => known?.sources.includes(name));
  const lossType = isAboutOwn ? known?.lossType : undefined;
  await incidents.update(id, {
    status: 'recovering',
    ...(addedSources.length === 0 ? {} : { addedSources }),
    ...(lossType === undefined ? {} : { lossType }),
  });
  if (addedSources.length === 0) return;
  output.report(
    { type: 'incident-sources-added', incident: id, sources: addedSources },
    ({ dim }) => dim(`  The incident ${id} is about ${addedSources.join(', ')} now, too.`),
  );
}
