import { type Corruption, failuresOf, lastIntegrityReport } from '../../recovery/index.ts';
import type { Repository } from '../../repository/index.ts';

/** What the last check of the live server found. */
export interface IntegrityStatus {
  readonly id: string;
  readonly time: Date;
  readonly ageMs: number;
  readonly verdict: 'passed' | 'failed';
  readonly failures: readonly string[];
  readonly corruption: readonly Corruption[];
}

/** Undefined when it was never checked. */
export async function integrityStatus(
  repository: Repository,
  source: string,
  now: Date,
): Promise<IntegrityStatus | undefined> {
  const report = await lastIntegrityReport(repository, source);
  if (report === undefined) return undefined;
  const { id, time, verdict, corruption = [] } = report;
  const ageMs = Math.max(0, now.getTime() - time.getTime());
  return { id, time, ageMs, verdict, failures: failuresOf(report), corruption };
}
