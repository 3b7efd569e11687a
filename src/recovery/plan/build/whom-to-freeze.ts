import type { Environment, ServiceSetting, Severity } from '../../../config/index.ts';
import type { PlanFacts, SourceFacts } from '../facts.ts';
import { type MethodEntry, methods } from '../matrix.ts';
import type { Method } from '../plan.ts';

type Changes = MethodEntry['changes'];

/**
 * When writers are stopped. In production always before data is replaced; before rows are put back only while much is being lost, for
 * the rescue itself does not need it. A P3 on staging stops nobody.
 */
const freezes: Readonly<Record<Environment, Readonly<Record<Changes, readonly Severity[]>>>> = {
  production: { nothing: [], into: ['P0', 'P1'], beside: ['P0', 'P1', 'P2', 'P3'] },
  staging: { nothing: [], into: [], beside: ['P0', 'P1', 'P2'] },
  development: { nothing: [], into: [], beside: [] },
};

/** Nobody has said how bad it is: then it is taken for bad. */
const severityDefault: Severity = 'P1';

export function doesFreeze(
  method: Method,
  environment: Environment,
  severity: Severity | undefined,
): boolean {
  const { changes } = methods[method];
  return freezes[environment][changes].includes(severity ?? severityDefault);
}

/** Services that write to the sources, those that need others first; servers of sources are none. */
export function writersOf(
  sources: readonly Pick<SourceFacts, 'name'>[],
  services: readonly ServiceSetting[],
  facts: PlanFacts,
): readonly ServiceSetting[] {
  const names = sources.map(({ name }) => name);
  const servers = facts.sources.flatMap(({ service }) => service ?? []);
  return services
    .filter(({ name }) => !servers.includes(name))
    .filter(({ writes = [] }) => writes.some((each) => names.includes(each)))
    .toReversed();
}

/** How much is at stake with several sources: as with the one that matters most. */
export function gravestEnvironment(
  sources: readonly Pick<SourceFacts, 'environment'>[],
): Environment {
  const order: readonly Environment[] = ['production', 'staging', 'development'];
  return (
    order.find((each) => sources.some(({ environment }) => environment === each)) ?? 'production'
  );
}
