import type { Environment, Severity } from '../../config/index.ts';
import { type MethodEntry, methods } from '../plan/matrix.ts';
import type { Method } from '../plan/plan.ts';

export interface FreezeQuestion {
  readonly environment: Environment;
  /** Nobody has said how bad it is: then it is taken for bad. */
  readonly severity?: Severity | undefined;
  /** How it is recovered. Not chosen yet: then as if its data were replaced, which has to be ready for everything. */
  readonly method?: Method | undefined;
}

export interface FreezeVerdict {
  readonly isFrozen: boolean;
  /** For people: `in production nobody writes while data is replaced`. */
  readonly reason: string;
}

type Changes = MethodEntry['changes'];

const severityDefault: Severity = 'P1';

/**
 * From which severity on the writers of a source are stopped; undefined: never. In production always before data is replaced; before rows
 * are put back only while much is being lost, for the rescue itself does not need it. A P3 on staging stops nobody. What is written in
 * development is nobody's loss. A person can freeze any source all the same.
 */
const mildestFrozen: Readonly<
  Record<Environment, Readonly<Record<Changes, Severity | undefined>>>
> = {
  production: { nothing: undefined, into: 'P1', beside: 'P3' },
  staging: { nothing: undefined, into: undefined, beside: 'P2' },
  development: { nothing: undefined, into: undefined, beside: undefined },
};

const doing: Readonly<Record<Changes, string>> = {
  nothing: 'while data is left alone',
  into: 'while something is put back into it',
  beside: 'while its data is replaced',
};

/** Whether the writers of a source are stopped: the one rule of plan, `lifeboat freeze` and incidents. */
export function judgeFreeze({ environment, severity, method }: FreezeQuestion): FreezeVerdict {
  const changes = method === undefined ? 'beside' : methods[method].changes;
  const mildest = mildestFrozen[environment][changes];
  const where = `in ${environment}`;
  if (mildest === undefined) {
    return { isFrozen: false, reason: `${where} nobody is stopped ${doing[changes]}` };
  }
  const given = severity ?? severityDefault;
  if (given > mildest) {
    return { isFrozen: false, reason: `${where} a ${given} stops nobody ${doing[changes]}` };
  }
  return {
    isFrozen: true,
    reason:
      mildest === 'P3'
        ? `${where} nobody writes ${doing[changes]}`
        : `${where} a ${given} stops who writes ${doing[changes]}`,
  };
}
