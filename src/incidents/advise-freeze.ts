import type { Environment } from '../config/index.ts';
import { judgeFreeze } from '../recovery/index.ts';
import type { Incident } from './incident.ts';

/** What an incident freezes, as long as nobody knows how it will be recovered. */
export interface FreezeAdvice {
  /** Those of the affected ones; empty: whatever `lifeboat freeze --severity` takes. */
  readonly sources: readonly string[];
  readonly reason: string;
}

/** Undefined: nothing is to be frozen. `environmentOf`: of a source; what nobody knows counts as production. */
export function adviseFreeze(
  { severity, sources }: Pick<Incident, 'severity' | 'sources'>,
  environmentOf: (source: string) => Environment,
): FreezeAdvice | undefined {
  if (sources.length === 0) {
    const { isFrozen, reason } = judgeFreeze({ environment: 'production', severity });
    return isFrozen ? { sources, reason } : undefined;
  }
  const frozen = sources
    .map((source) => ({
      source,
      ...judgeFreeze({ environment: environmentOf(source), severity }),
    }))
    .filter(({ isFrozen }) => isFrozen);
  const [first] = frozen;
  if (first === undefined) return undefined;
  return { sources: frozen.map(({ source }) => source), reason: first.reason };
}
