import { isLifeboatError } from '../../core/index.ts';
import type { Incident, Incidents } from '../../incidents/index.ts';

/** The incident of a plan, unless it was closed, or is nobody's. */
export async function notClosed(id: string, incidents: Incidents): Promise<Incident | undefined> {
  try {
    const incident = await incidents.find(id);
    return incident.status === 'closed' ? undefined : incident;
  } catch (error) {
    if (isLifeboatError(error, 'incident.unknown')) return undefined;
    throw error;
  }
}
