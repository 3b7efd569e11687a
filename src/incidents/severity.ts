import type { Severity } from '../config/index.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

export interface SeverityFacts {
  readonly alias: string;
  readonly word: string;
  /** What it means by how much is lost. */
  readonly definition: string;
  /** Somebody works on it within that time. */
  readonly respondWithinMs: number;
  /** How often those who wait hear of it. */
  readonly updateEveryMs: number;
}

export const severities: Readonly<Record<Severity, SeverityFacts>> = {
  P0: {
    alias: 'SEV1',
    word: 'critical',
    definition: 'complete data loss, all user data affected',
    respondWithinMs: 15 * minuteMs,
    updateEveryMs: 15 * minuteMs,
  },
  P1: {
    alias: 'SEV2',
    word: 'high',
    definition: 'major data loss, significant user impact',
    respondWithinMs: hourMs,
    updateEveryMs: 30 * minuteMs,
  },
  P2: {
    alias: 'SEV3',
    word: 'medium',
    definition: 'partial data loss, limited user impact',
    respondWithinMs: 4 * hourMs,
    updateEveryMs: 2 * hourMs,
  },
  P3: {
    alias: 'SEV4',
    word: 'low',
    definition: 'minor data loss, minimal user impact',
    respondWithinMs: 24 * hourMs,
    updateEveryMs: 24 * hourMs,
  },
};

export const severityNames = Object.keys(severities) as readonly Severity[];

/** `P1`, `p1`, `SEV2`, `sev 2`, `high`; undefined: none of these. */
export function parseSeverity(text: string): Severity | undefined {
  const wanted = text.trim().toLowerCase().replace(/\s+/g, '');
  return severityNames.find((name) => {
    const { alias, word } = severities[name];
    return [name, alias, word].some((each) => each.toLowerCase() === wanted);
  });
}
