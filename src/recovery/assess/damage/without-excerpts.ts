import type { DamageFinding } from './damage-finding.ts';
import type { DamageReport, SourceDamage } from './damage-report.ts';
import { foundOf, mapPart, type Part } from './part.ts';
import type { Excerpt } from './postgres-damage.ts';

/** Findings that quote what others wrote. */
const quoting = new Set<DamageFinding['kind']>([
  'destructive-statement',
  'destructive-session',
  'server-log',
  'service-output',
  'kernel',
]);

/**
 * The report as more people may see it: without lines of outputs and without queries, in which anything may stand. What is left is
 * names, figures and times.
 */
export function withoutExcerpts(report: DamageReport): DamageReport {
  return {
    ...report,
    findings: report.findings.map((each) =>
      quoting.has(each.kind) ? { ...each, text: beforeQuotation(each.text) } : each,
    ),
    lossTypes: report.lossTypes.map(({ type, because }) => {
      const quoted = report.findings.some(
        ({ kind, text }) => quoting.has(kind) && text === because,
      );
      return { type, because: quoted ? beforeQuotation(because) : because };
    }),
    sources: report.sources.map(quietSource),
    services: report.services.map((each) => ({ ...each, output: quietExcerpt(each.output) })),
    host: { ...report.host, kernel: quietExcerpt(report.host.kernel) },
  };
}

/** A finding quotes behind the first colon. */
function beforeQuotation(text: string): string {
  const at = text.indexOf(': ');
  return at < 0 ? text : text.slice(0, at);
}

function quietSource(source: SourceDamage): SourceDamage {
  if ('files' in source) return source;
  return {
    ...source,
    serverLog: quietExcerpt(source.serverLog),
    statements: mapPart(source.statements, (found) => ({
      ...found,
      statements: found.statements.map((each) => ({ ...each, query: '' })),
    })),
    sessions: mapPart(source.sessions, (found) => ({
      ...found,
      sessions: found.sessions.map((each) => ({ ...each, query: '' })),
    })),
  };
}

function quietExcerpt(part: Part<Excerpt>): Part<Excerpt> {
  return foundOf(part) === undefined ? part : mapPart(part, (found) => ({ ...found, lines: [] }));
}
