import { createHash } from 'node:crypto';
import { canonicalJson } from '../../repository/index.ts';
import type { Plan } from './plan.ts';

const idLength = 16;

/** Frozen through and through, and named by its content. What JSON cannot hold is not in it afterwards. */
export function sealPlan(content: Omit<Plan, 'id'>): Plan {
  const plain = JSON.parse(JSON.stringify(content)) as Omit<Plan, 'id'>;
  return deepFreeze({ ...plain, id: planId(plain) });
}

/** The id that a plan of this content must have. */
export function planId(content: Omit<Plan, 'id'>): string {
  const { id: _, ...rest } = content as Plan;
  return createHash('sha256').update(canonicalJson(rest)).digest('hex').slice(0, idLength);
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
