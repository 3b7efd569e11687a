import { z } from 'zod';
import type { LifeboatRecord, Repository } from '../../repository/index.ts';
import { checkResults, corruptions } from '../prove/check-results.ts';
import type { Corruption } from '../prove/corruption.ts';
import type { CheckResult } from '../validate/check.ts';

export const integrityKind = 'integrity';

/** What the checks of the live server found. Stored as a record of kind `integrity`. */
export interface IntegrityReport {
  readonly format: 1;
  readonly source: string;
  readonly verdict: 'passed' | 'failed';
  readonly startTime: string;
  readonly durationMs: number;
  /** End of its log when the checks began. */
  readonly position: string;
  readonly checks: readonly CheckResult[];
  /** Of damaged pages: which snapshots hold them intact. */
  readonly corruption?: readonly Corruption[];
}

export interface StoredIntegrityReport extends IntegrityReport {
  readonly id: string;
  readonly time: Date;
}

const schema = z.object({
  format: z.literal(1),
  source: z.string(),
  verdict: z.enum(['passed', 'failed']),
  startTime: z.iso.datetime(),
  durationMs: z.number().nonnegative(),
  position: z.string(),
  checks: checkResults,
  corruption: corruptions.exactOptional(),
});

/** Undefined: written by another version, or by somebody else. */
export function parseIntegrityReport(record: LifeboatRecord): StoredIntegrityReport | undefined {
  const parsed = schema.safeParse(record.body);
  if (!parsed.success) return undefined;
  return { ...parsed.data, id: record.id, time: record.time };
}

/** The newest of a source. */
export async function lastIntegrityReport(
  repository: Repository,
  source: string,
): Promise<StoredIntegrityReport | undefined> {
  const records = await repository.records.list({ kind: integrityKind, source });
  return records.toReversed().flatMap((record) => parseIntegrityReport(record) ?? [])[0];
}
