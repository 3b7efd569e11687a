import type { IntegritySetting } from '../../config/index.ts';
import { type Corruption, failuresOf, lastIntegrityReport } from '../../recovery/index.ts';
import type { Repository } from '../../repository/index.ts';
import { parseSchedule } from '../schedule.ts';

/** The service may have begun late. */
const graceMs = 60 * 60_000;

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

/** A check may take long, so that two times must have passed without a report. */
export function integrityOverdue(
  { schedule }: IntegritySetting,
  source: string,
  since: Date | undefined,
  now: Date,
): Date | undefined {
  if (schedule === undefined || since === undefined) return undefined;
  const times = parseSchedule(schedule, `integrity.schedule of ${source}`);
  const due = times.nextRun(since);
  const again = due === null ? null : times.nextRun(due);
  const isOverdue = again !== null && again.getTime() + graceMs < now.getTime();
  return isOverdue && due !== null ? due : undefined;
}
