import { incidentsIn } from '../incidents/index.ts';
import type { Surroundings, Tell } from '../recovery/index.ts';

/** Enters what a command does into every incident that is open on this host; nowhere when there is none. */
export function incidentTell(
  surroundings: Surroundings,
): AsyncDisposable & { readonly tell: Tell } {
  const incidents = incidentsIn(surroundings);
  return {
    tell: incidents.tellOpen,
    [Symbol.asyncDispose]: () => incidents[Symbol.asyncDispose](),
  };
}
