import type { GroundFile } from '../../config/index.ts';
import { isLifeboatError } from '../../core/index.ts';
import type { Ground } from '../ground/ground.ts';
import type { GroundFacts } from './facts.ts';

/** Makes the ground of a setting, without asking it anything. */
export type MakeGround = (
  setting: GroundFile,
) => Promise<Pick<Ground, 'identify' | 'freeBytes' | 'isEmpty'>>;

/** What a ground is called in a plan. */
export function groundPlace(source: string): string {
  return `ground of ${source}`;
}

/** What a ground says of itself; one that does not answer is told, not thrown. Errors: `cancelled`. */
export async function lookAtGround(
  known: GroundFacts,
  setting: GroundFile,
  make: MakeGround,
  asked: { readonly isEmpty: boolean; readonly signal?: AbortSignal },
): Promise<{
  readonly ground: GroundFacts;
  readonly identity?: { text: string; fingerprint: string };
}> {
  const request = asked.signal ? { signal: asked.signal } : {};
  try {
    const ground = await make(setting);
    const { text, fingerprint, machines } = await ground.identify(request);
    const freeBytes = await ground.freeBytes(request);
    const isEmpty = asked.isEmpty ? await ground.isEmpty(request) : undefined;
    return {
      ground: {
        ...known,
        fingerprint,
        ...(machines === undefined ? {} : { machines }),
        ...(freeBytes === undefined ? {} : { freeBytes }),
        ...(isEmpty === undefined ? {} : { isEmpty }),
      },
      identity: { text, fingerprint },
    };
  } catch (error) {
    if (isLifeboatError(error, 'cancelled', 'bug') || !isLifeboatError(error)) throw error;
    return { ground: { ...known, problem: error.message } };
  }
}
