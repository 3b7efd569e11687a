import { openIncidents } from '../incidents/index.ts';
import type { Surroundings, Tell } from '../recovery/index.ts';

/** Enters what a command does into every incident that is open on this host; nowhere when there is none. */
export function incidentTell(
  surroundings: Surroundings,
): AsyncDisposable & { readonly tell: Tell } {
  const { configuration, actor, host } = surroundings;
  const incidents = openIncidents({
    stateFolder: configuration.stateFolder,
    actor,
    host,
    repositories: Object.keys(configuration.repositories).map((name) => ({
      name,
      open: () => surroundings.repository(name),
    })),
  });
  return {
    tell: (entry) => incidents.tellOpen(entry),
    [Symbol.asyncDispose]: () => incidents[Symbol.asyncDispose](),
  };
}
