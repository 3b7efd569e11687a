import type { Incidents } from '../../incidents/index.ts';
import { type DamageReport, reportSummary, withoutExcerpts } from '../../recovery/index.ts';
import { countOf } from '../output/count.ts';

/** Everybody who deals with the incident reads it: what others wrote stays out of it. */
export async function attachReport(
  incidents: Incidents,
  id: string,
  report: DamageReport,
): Promise<void> {
  const told = withoutExcerpts(report);
  const [worst] = told.findings;
  const text =
    report.verdict === 'not-looked'
      ? 'assessed the damage: nothing could be looked at'
      : worst === undefined
        ? 'assessed the damage: nothing was found'
        : `assessed the damage: ${countOf(told.findings.length, 'finding')}, the worst: ${worst.text}`;
  const { durationMs } = report;
  await incidents.attach(id, {
    name: 'damage-report.json',
    text: `${JSON.stringify(told, undefined, 1)}\n`,
    entry: { event: 'assess.done', text, durationMs, data: { report: reportSummary(report) } },
  });
}
