import type { ErrorCode } from '../../../core/index.ts';

/**
 * One thing that an assessment looks at, on its own and in bounded time: a part that fails, or takes too long, never takes the others
 * along. JSON as it stands.
 */
export type Part<Found> = LookedAt<Found> | NotLookedAt;

export interface LookedAt<Found> {
  readonly looked: true;
  readonly found: Found;
  /** What of it could not be looked at, and why. Empty: it was looked at as far as it goes. */
  readonly gaps: readonly string[];
  readonly durationMs: number;
  readonly limitMs: number;
}

export interface NotLookedAt {
  readonly looked: false;
  /** `could not look: ` and this. */
  readonly why: string;
  readonly code: ErrorCode;
  /** Of PostgreSQL, where it gave one. */
  readonly sqlstate?: string;
  readonly hint?: string;
  readonly durationMs: number;
  readonly limitMs: number;
}

/** What a part found; undefined where it could not be looked at. */
export function foundOf<Found>(part: Part<Found> | undefined): Found | undefined {
  return part?.looked ? part.found : undefined;
}

/** The same part, told otherwise. */
export function mapPart<From, To>(part: Part<From>, change: (found: From) => To): Part<To> {
  return part.looked ? { ...part, found: change(part.found) } : part;
}

/** Looks further only where the first part could be looked at: nobody waits for the same thing twice. */
export async function ifLooked<First, Found>(
  first: Part<First>,
  look: (found: First) => Promise<Part<Found>>,
): Promise<Part<Found>> {
  return first.looked ? await look(first.found) : { ...first, durationMs: 0 };
}
