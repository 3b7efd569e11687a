import { isLifeboatError } from '../../core/index.ts';
import type { Platforms } from '../../platforms/index.ts';
import type { Surroundings } from '../surroundings.ts';
import type { Plan } from './plan.ts';

export interface SeenPlaces {
  /** By `service NAME`. */
  readonly places: Plan['places'];
  /** What each lies on, by the same names. */
  readonly machines: Readonly<Record<string, readonly string[]>>;
  /** By the same names: why it could not be asked. */
  readonly unseen: Readonly<Record<string, string>>;
}

const answerMs = 20_000;

/** What the places of services say of themselves. One that does not answer is told, and takes no others along. */
export async function lookAtPlaces(
  { configuration }: Pick<Surroundings, 'configuration'>,
  platforms: Platforms,
  services: readonly string[],
  signal?: AbortSignal,
): Promise<SeenPlaces> {
  const places: Record<string, { readonly text: string; readonly fingerprint: string }> = {};
  const machines: Record<string, readonly string[]> = {};
  const unseen: Record<string, string> = {};
  const wanted = configuration.services.filter(({ name }) => services.includes(name));
  await Promise.all(
    wanted.map(async (service) => {
      const name = servicePlace(service.name);
      try {
        const request = { timeoutMs: answerMs, ...(signal ? { signal } : {}) };
        const found = await platforms.of(service).identify(request);
        places[name] = { text: found.text, fingerprint: found.fingerprint };
        machines[name] = found.machines ?? [];
      } catch (error) {
        if (isLifeboatError(error, 'cancelled') || !isLifeboatError(error)) throw error;
        unseen[name] = error.message;
      }
    }),
  );
  return { places, machines, unseen };
}

/** What the place of a service is called in a plan. */
export function servicePlace(service: string): string {
  return `service ${service}`;
}

/** What the server of a source is called in a plan. */
export function serverPlace(source: string): string {
  return `server of ${source}`;
}

/** What differs, in words. What was not asked now is for whoever asks to tell. */
export function movedPlaces(planned: Plan['places'], now: Plan['places']): readonly string[] {
  return Object.entries(planned).flatMap(([name, { text, fingerprint }]) => {
    const found = now[name];
    if (found === undefined || found.fingerprint === fingerprint) return [];
    return [`${name} was ${text}, and is ${found.text} now`];
  });
}
