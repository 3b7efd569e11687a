import type { Configuration, ServiceSetting } from '../../config/index.ts';
import { isLifeboatError, LifeboatError } from '../../core/index.ts';
import { type Platform, type PlatformRequest, requirePlace } from '../../platforms/index.ts';
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

/** For hints: what takes one item out of a freeze and leaves all others frozen. */
export function giveUpAlone(name: string): string {
  return `\`lifeboat thaw --only "${name}" --leave "${name}"\` gives up`;
}

/** The thaw of one service. Errors: `platform.other-place`, with what to do where that place is gone for good. */
export async function requireItsPlace(
  platform: Platform,
  { name, place }: FrozenService,
  request: PlatformRequest,
): Promise<void> {
  try {
    await requirePlace(platform, place, request);
  } catch (error) {
    if (!isLifeboatError(error, 'platform.other-place')) throw error;
    throw new LifeboatError(error.code, error.message, {
      hint: `It is started only where it was stopped: run thaw there. If that place is lost, start by hand what takes its place; ${giveUpAlone(name)} the one of there.`,
      context: error.context,
      cause: error,
    });
  }
}

export function requireService(configuration: Configuration, item: FrozenService): ServiceSetting {
  const service = configuration.services.find(({ name }) => name === item.service);
  if (service !== undefined) return service;
  throw new LifeboatError('config.invalid', `the service ${item.service} is not in lifeboat.yaml`, {
    hint: 'Put it back under its name, or start it by hand and run thaw with --leave.',
  });
}
