import { createHash } from 'node:crypto';
import { type Progress, silentProgress } from '../../../core/index.ts';
import type { Platforms } from '../../../platforms/index.ts';
import type { Surroundings } from '../../surroundings.ts';
import { assessDumps } from './assess-dumps.ts';
import { assessFiles } from './assess-files.ts';
import { assessHost } from './assess-host.ts';
import { assessPostgres } from './assess-postgres.ts';
import { assessServices } from './assess-services.ts';
import { type Assessment, sinceOf } from './assessment.ts';
import { type DamageFinding, isDamage } from './damage-finding.ts';
import type { DamageReport, SourceDamage } from './damage-report.ts';
import { filesFindings } from './files-findings.ts';
import { freezeDeeply } from './freeze-deeply.ts';
import { hostFindings } from './host-findings.ts';
import { likelyLoss } from './likely-loss.ts';
import { limitsFor } from './part-limits.ts';
import { PartRunner } from './part-runner.ts';
import { postgresFindings } from './postgres-findings.ts';
import { serviceFindings } from './service-findings.ts';

export interface AssessOptions {
  readonly surroundings: Surroundings;
  readonly platforms: Platforms;
  /** Names of sources of the configuration. */
  readonly sources: readonly string[];
  /** What was right until then; default: a day before the end of what is known. */
  readonly since?: Date;
  /** Smaller limits for every part. */
  readonly isQuick?: boolean;
  /** For all parts together. Default: 2 minutes, quick 40 s. */
  readonly limitMs?: number;
  /** Ends it early: what was found by then is in the report. */
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
}

/**
 * Looks at everything that may show damage, and changes nothing. Whatever is out of reach is told in its part; only a wrong
 * configuration, or a mistake of ours, makes it reject. Ends in bounded time.
 */
export async function assessDamage(options: AssessOptions): Promise<DamageReport> {
  const { surroundings, sources, signal, progress = silentProgress, isQuick = false } = options;
  const now = new Date();
  const begun = performance.now();
  const { limits, limitMs } = limitsFor(isQuick, options.limitMs);
  const assessment: Assessment = {
    surroundings,
    platforms: options.platforms,
    runner: new PartRunner({ limitMs, signal, progress }),
    limits,
    now,
    since: options.since,
    isQuick,
    repositories: new Map(),
  };
  const [seen, services, host] = await Promise.all([
    Promise.all(sources.map((name) => assessSource(assessment, name))),
    assessServices(assessment, sources),
    assessHost(assessment),
  ]);
  const findings = worstFirst([
    ...seen.flatMap((each) => findingsOf(assessment, each)),
    ...serviceFindings(services, now),
    ...hostFindings(host),
  ]);
  const report: Omit<DamageReport, 'id'> = {
    format: 1,
    configuration: surroundings.configuration.name,
    startTime: now.toISOString(),
    durationMs: Math.round(performance.now() - begun),
    actor: surroundings.actor,
    since: sinceOf(assessment, now).toISOString(),
    isQuick,
    ...(signal?.aborted ? { isInterrupted: true as const } : {}),
    verdict: verdictOf(seen, findings),
    findings,
    lossTypes: likelyLoss(findings),
    sources: seen,
    services,
    host,
  };
  const id = createHash('sha256').update(JSON.stringify(report)).digest('hex').slice(0, 16);
  return freezeDeeply({ id, ...report });
}

async function assessSource(assessment: Assessment, name: string): Promise<SourceDamage> {
  const kind = assessment.surroundings.configuration.sources[name]?.kind;
  if (kind === 'files' || kind === 'volume') return await assessFiles(assessment, name);
  if (kind === 'postgres-dump') return await assessDumps(assessment, name);
  return await assessPostgres(assessment, name);
}

function findingsOf({ surroundings }: Assessment, damage: SourceDamage): readonly DamageFinding[] {
  if ('files' in damage) return filesFindings(damage);
  const setting = surroundings.configuration.sources[damage.name];
  const drift = setting?.kind === 'postgres' ? setting.drift : undefined;
  return postgresFindings(damage, drift ?? {});
}

const severities = ['critical', 'high', 'medium', 'low'];
const strengths = ['certain', 'likely', 'weak'];

/** Data before what it runs on: what is lost comes first among equals. */
function worstFirst(findings: readonly DamageFinding[]): readonly DamageFinding[] {
  const weight = ({ severity, strength, source }: DamageFinding) =>
    strengths.indexOf(strength === 'weak' ? 'weak' : 'certain') * 100 +
    severities.indexOf(severity) * 10 +
    strengths.indexOf(strength) +
    (source === undefined ? 3 : 0);
  return findings.toSorted((a, b) => weight(a) - weight(b));
}

function verdictOf(
  seen: readonly SourceDamage[],
  findings: readonly DamageFinding[],
): DamageReport['verdict'] {
  const parts = seen.flatMap((each) =>
    Object.values(each).filter((part) => typeof part === 'object' && 'looked' in part),
  );
  if (!parts.some(({ looked }) => looked)) return 'not-looked';
  return findings.some(isDamage) ? 'damage-found' : 'nothing-found';
}
