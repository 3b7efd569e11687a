import type { Environment, Severity } from '../../config/index.ts';

/**
 * Which of the affected sources an incident freezes. In production all, however small the loss looks: it is rarely known at first how far
 * it goes. In staging not for a P3. In development nothing: what is written there is nobody's loss. A person can freeze any of them.
 */
export function whatToFreeze(incident: {
  readonly severity: Severity;
  readonly environment: Environment;
  readonly sources: readonly string[];
}): { readonly sources: readonly string[]; readonly reason: string } {
  const { severity, environment, sources } = incident;
  if (environment === 'production') return { sources, reason: 'in production all writers stop' };
  if (environment === 'development') {
    return { sources: [], reason: 'in development nothing is frozen' };
  }
  if (severity === 'P3') return { sources: [], reason: 'a P3 on staging freezes nothing' };
  return { sources, reason: `a ${severity} on staging stops its writers` };
}
