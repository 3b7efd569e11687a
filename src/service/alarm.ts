import { isLifeboatError, LifeboatError } from '../core/index.ts';
import type { ServiceEvent } from './service-event.ts';

/** The alarm for something that failed; `action` is what the service does about it. */
export function alarmOf(
  about: { readonly source: string } | { readonly repository: string },
  thrown: unknown,
  action: string,
): ServiceEvent {
  const error = isLifeboatError(thrown)
    ? thrown
    : new LifeboatError('bug', thrown instanceof Error ? thrown.message : String(thrown));
  const { code, message, hint } = error;
  return { type: 'alarm', ...about, code, message, action, ...(hint ? { hint } : {}) };
}
