import type { Surroundings } from '../recovery/index.ts';
import { type Incidents, openIncidents } from './open-incidents.ts';

/** The incidents of a recovery: its state folder, all of its repositories. Close it before the surroundings, which own what was opened. */
export function incidentsIn(
  surroundings: Pick<Surroundings, 'configuration' | 'actor' | 'host' | 'repository'>,
): Incidents {
  const { configuration, actor, host } = surroundings;
  const repositories = Object.keys(configuration.repositories).map((name) => ({
    name,
    open: () => surroundings.repository(name),
  }));
  return openIncidents({ stateFolder: configuration.stateFolder, actor, host, repositories });
}
