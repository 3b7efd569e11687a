import type { Incident } from '../../incidents/index.ts';
import { type IncidentWork, refuse } from './incident-options.ts';

/** The incident that is named, as an argument or by `--incident`; else the only one that is open. Errors: `incident.unknown`, `usage.invalid`. */
export async function chosenIncident(
  { desk, options }: IncidentWork,
  named: string | undefined,
): Promise<Incident> {
  if (named !== undefined && options.incident !== undefined) {
    refuse('the incident is named twice', 'Name it as an argument or by --incident.');
  }
  return await desk.incidents.find(named ?? options.incident ?? 'current');
}
