import { parseTimeSpan, type ServiceSetting } from '../../config/index.ts';
import { formatDuration, LifeboatError, Secret } from '../../core/index.ts';
import { waitUntilHealthy } from '../validate/application/wait-until-healthy.ts';
import type { FreezeWorld } from './freeze-request.ts';

const startWithinMsDefault = 300_000;

/** Waits until the health check of a service holds, where it has one. Errors: `platform.timeout`. */
export async function awaitHealth(
  service: ServiceSetting,
  { surroundings, signal, progress }: FreezeWorld,
): Promise<void> {
  const { health, name, startWithin } = service;
  if (health === undefined) return;
  const timeoutMs = startWithin ? (parseTimeSpan(startWithin) as number) : startWithinMsDefault;
  progress?.({ type: 'note', message: `waiting until the service ${name} works` });
  const { verdict, fact, check } = await waitUntilHealthy({
    check: health,
    timeoutMs,
    surroundings: {
      environment: surroundings.environment,
      secret: async (what, setting) => {
        const secret = await surroundings.secret(what, setting);
        return typeof secret === 'string' ? new Secret(secret) : secret;
      },
    },
    ...(signal ? { signal } : {}),
  });
  if (verdict === 'passed') return;
  throw new LifeboatError(
    'platform.timeout',
    `the service ${name} runs, but its health check does not hold (${check}: ${fact})`,
    {
      hint: `It was waited for ${formatDuration(timeoutMs)}. See its output, then run thaw again.`,
    },
  );
}
