import type { GroundFile } from '../../config/index.ts';
import { isLifeboatError } from '../../core/index.ts';
import type { Ground, GroundContents } from '../ground/ground.ts';
import type { GroundFacts, SourceFacts } from './facts.ts';

/** Makes the ground of a setting, without asking it anything. */
export type MakeGround = (
  setting: GroundFile,
) => Promise<Pick<Ground, 'identify' | 'freeBytes' | 'contents'>>;

/** A container or a pod may have to be started there; a plan does not wait longer for what it can do without. */
const lookWithinMs = 2 * 60_000;

/** What a ground is called in a plan. */
export function groundPlace(source: string): string {
  return `ground of ${source}`;
}

/**
 * Whether its data is there: where the server does not work or does not let us in, or where the configuration may mean another place. A claim
 * takes minutes to look into. What lies at another place than that of the source says nothing of it.
 */
export function isWorthLooking(
  { server }: Pick<SourceFacts, 'server'>,
  { kind, isElsewhere }: GroundFacts,
): boolean {
  if (isElsewhere) return false;
  return (server !== 'up' && server !== 'other') || kind !== 'kubernetes-claim';
}

/** What a ground says of itself; one that does not answer is told, not thrown. Errors: `cancelled`. */
export async function lookAtGround(
  known: GroundFacts,
  setting: GroundFile,
  make: MakeGround,
  asked: { readonly contents: boolean; readonly signal?: AbortSignal },
): Promise<{
  readonly ground: GroundFacts;
  readonly identity?: { text: string; fingerprint: string };
}> {
  const request = asked.signal ? { signal: asked.signal } : {};
  try {
    const ground = await make(setting);
    const { text, fingerprint, machines } = await ground.identify(request);
    const freeBytes = await ground.freeBytes(request);
    const contents = asked.contents ? await contentsOf(ground, asked.signal) : undefined;
    return {
      ground: {
        ...known,
        fingerprint,
        ...(machines === undefined ? {} : { machines }),
        ...(freeBytes === undefined ? {} : { freeBytes }),
        ...contents,
      },
      identity: { text, fingerprint },
    };
  } catch (error) {
    if (isLifeboatError(error, 'cancelled', 'bug') || !isLifeboatError(error)) throw error;
    return { ground: { ...known, problem: error.message } };
  }
}

/** What takes too long is not known. */
async function contentsOf(
  ground: Pick<Ground, 'contents'>,
  signal: AbortSignal | undefined,
): Promise<GroundContents | undefined> {
  const late = AbortSignal.timeout(lookWithinMs);
  try {
    return await ground.contents({ signal: signal ? AbortSignal.any([signal, late]) : late });
  } catch (error) {
    if (!late.aborted || signal?.aborted) throw error;
    return undefined;
  }
}
