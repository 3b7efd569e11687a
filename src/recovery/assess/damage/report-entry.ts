import type { TimelineEntry } from '../../timeline.ts';
import type { DamageReport } from './damage-report.ts';
import { reportSummary } from './report-summary.ts';
import { withoutExcerpts } from './without-excerpts.ts';

/** What an incident gets of a report, the whole of it attached. Everybody who deals with the incident reads it: what others wrote stays out. */
export function reportEntry(report: DamageReport): TimelineEntry {
  const told = withoutExcerpts(report);
  const [worst] = told.findings;
  const count = told.findings.length;
  const text =
    report.verdict === 'not-looked'
      ? 'assessed the damage: nothing could be looked at'
      : worst === undefined
        ? 'assessed the damage: nothing was found'
        : `assessed the damage: ${count === 1 ? '1 finding' : `${count} findings`}, the worst: ${worst.text}`;
  return {
    event: 'assess.done',
    text,
    durationMs: report.durationMs,
    data: { report: reportSummary(report) },
    attachment: { name: 'damage-report.json', text: `${JSON.stringify(told, undefined, 1)}\n` },
  };
}
