import { adviseFreeze, type Incident } from '../../incidents/index.ts';
import type { NextAdvice } from '../output/incident-next.ts';
import type { IncidentDesk } from './incident-desk.ts';
import { environmentIn } from './incident-options.ts';

/** What the configuration says about the next steps; without one a source is taken for a database in production. */
export function nextAdvice(incident: Incident, desk: IncidentDesk): NextAdvice {
  const sources = desk.configuration?.sources;
  const named = incident.sources.length > 0 ? incident.sources : Object.keys(sources ?? {});
  const hasLog = sources === undefined || named.some((each) => sources[each]?.kind === 'postgres');
  return { freeze: adviseFreeze(incident, environmentIn(desk)), hasLog };
}
