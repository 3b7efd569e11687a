import { openIncidents } from '../incidents/index.ts';
import type { Surroundings, Tell } from '../recovery/index.ts';

/** Enters what a command does into the one incident that is open; nowhere when there is none, or several. */
export async function incidentTell(
  surroundings: Surroundings,
): Promise<AsyncDisposable & { readonly tell: Tell }> {
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
  const [only, other] = await incidents.list({ onlyOpen: true });
  const tell: Tell =
    only !== undefined && other === undefined ? incidents.tell(only.id) : async () => {};
  return { tell, [Symbol.asyncDispose]: () => incidents[Symbol.asyncDispose]() };
}
