import type { Configuration, ServiceSetting } from '../../config/index.ts';
import { isLifeboatError, LifeboatError } from '../../core/index.ts';
import type { FrozenService } from './freeze-record.ts';

/**
 * One item that fails is named, and the next is tried: in the middle of an incident most of a freeze is better than none. What must end
 * the work is thrown on: a cancellation, a mistake of ours, a record that could not be written.
 */
export function mayGoOn(error: unknown): LifeboatError {
  if (!isLifeboatError(error)) throw error;
  if (isLifeboatError(error, 'cancelled', 'bug', 'disk.full')) throw error;
  return error;
}

export function requireService(configuration: Configuration, item: FrozenService): ServiceSetting {
  const service = configuration.services.find(({ name }) => name === item.service);
  if (service !== undefined) return service;
  throw new LifeboatError('config.invalid', `the service ${item.service} is not in lifeboat.yaml`, {
    hint: 'Put it back under its name, or start it by hand and run thaw with --leave.',
  });
}
