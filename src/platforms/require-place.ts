import { LifeboatError } from '../core/index.ts';
import type { Platform, PlatformIdentity, PlatformRequest } from './platform.ts';

/** Rejects with `platform.other-place` unless commands go to the very place that was seen when the plan was made. Changes nothing. */
export async function requirePlace(
  platform: Platform,
  expected: Pick<PlatformIdentity, 'text' | 'fingerprint'>,
  request: PlatformRequest = {},
): Promise<void> {
  const found = await platform.identify(request);
  if (found.fingerprint === expected.fingerprint) return;
  throw new LifeboatError(
    'platform.other-place',
    `commands would go to ${found.text}, planned was ${expected.text}`,
    {
      hint: 'Nothing was changed. Select the planned context or host again, or make a new plan for this one.',
      context: { found: found.fingerprint, expected: expected.fingerprint },
    },
  );
}
