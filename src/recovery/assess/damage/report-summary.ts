import type { DamageReport } from './damage-report.ts';
import { foundOf } from './part.ts';
import { withoutExcerpts } from './without-excerpts.ts';

/** An entry of a timeline takes 24 KiB; others may add to it. */
const mostBytes = 18 * 1024;
const mostFindings = 40;
const textLength = 300;

/**
 * What of a report fits into the timeline of an incident: verdict, the worst findings, what kind of loss it looks like, and where each
 * source can be taken back to. Without excerpts: many read it.
 */
export function reportSummary(report: DamageReport): Readonly<Record<string, unknown>> {
  for (let most = mostFindings; ; most = Math.floor(most / 2)) {
    const summary = summaryOf(withoutExcerpts(report), most);
    if (most <= 1 || Buffer.byteLength(JSON.stringify(summary)) <= mostBytes) return summary;
  }
}

function summaryOf(report: DamageReport, most: number) {
  const { id, verdict, startTime, since, isQuick, isInterrupted, findings, lossTypes } = report;
  return {
    id,
    verdict,
    startTime,
    since,
    isQuick,
    ...(isInterrupted ? { isInterrupted } : {}),
    findings: findings.slice(0, most).map((each) => ({ ...each, text: short(each.text) })),
    ...(findings.length > most ? { moreFindings: findings.length - most } : {}),
    lossTypes: lossTypes.map(({ type, because }) => ({ type, because: short(because) })),
    points: report.sources.flatMap(({ name, points }) =>
      (foundOf(points)?.points ?? [])
        .slice(0, Math.min(most, 8))
        .map(({ kind, text, time, lsn, snapshot, xid, proof, loss }) => ({
          source: name,
          kind,
          text: short(text),
          time,
          ...(lsn === undefined ? {} : { lsn }),
          ...(snapshot === undefined ? {} : { snapshot }),
          ...(xid === undefined ? {} : { xid }),
          ...(proof === undefined ? {} : { proof: proof.id }),
          loss: loss.text,
        })),
    ),
  };
}

function short(text: string): string {
  const characters = [...text];
  return characters.length <= textLength
    ? text
    : `${characters.slice(0, textLength - 1).join('')}…`;
}
