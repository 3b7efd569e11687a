import { LifeboatError } from '../../core/index.ts';

export function refused(fact: string, hint: string): LifeboatError {
  return new LifeboatError('retention.refused', fact, { hint });
}
