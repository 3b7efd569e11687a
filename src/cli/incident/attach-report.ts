import type { Incidents } from '../../incidents/index.ts';
import { type DamageReport, reportEntry } from '../../recovery/index.ts';

/** As a step of a run does it, too. */
export async function attachReport(
  incidents: Incidents,
  id: string,
  report: DamageReport,
): Promise<void> {
  await incidents.tell(id)(reportEntry(report));
}
