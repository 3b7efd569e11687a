import {
  type DamageFinding,
  type DamageReport,
  isDamageFinding,
  type Surroundings,
} from '../../recovery/index.ts';
import { concernedSources, type KnownIncident } from '../incident/known-incident.ts';
import { type WishValues, wishOptions } from '../plan-wish.ts';

/** Which sources a recovery is about, and which are looked at. */
export interface Scope {
  /** Named here, or by the incident; else all. */
  readonly own: readonly string[];
  /** Those first; all, unless a person has named the source or the incident. */
  readonly looked: readonly string[];
  readonly notLooked: readonly string[];
}

/** An incident that was found open may be about something else: what is damaged besides is looked for, too. Errors: `usage.invalid`. */
export function scopeOf(
  wanted: string | undefined,
  incident: Pick<KnownIncident, 'sources' | 'addedSources'>,
  isNamed: boolean,
  surroundings: Surroundings,
): Scope {
  const own = concernedSources(wanted, incident, surroundings);
  const rest = Object.keys(surroundings.configuration.sources).filter(
    (name) => !own.includes(name),
  );
  if (wanted !== undefined) return { own, looked: own, notLooked: rest };
  if (!isNamed) return { own, looked: [...own, ...rest], notLooked: [] };
  const isAdded = (name: string) => incident.addedSources?.includes(name) === true;
  return {
    own,
    looked: [...own, ...rest.filter(isAdded)],
    notLooked: rest.filter((name) => !isAdded(name)),
  };
}

/**
 * Damaged sources that are planned for instead of the own ones, should no plan be made for these; none: the own ones or nothing. What somebody
 * wishes (a moment, a way) is about the own ones, and is never done to others: a moment that is right for one would take good data of another
 * back. After an intrusion nobody puts data back in place because somebody looked elsewhere.
 */
export function insteadOfOwn(
  { own }: Scope,
  report: DamageReport,
  { lossType }: KnownIncident,
  isWished: boolean,
): readonly string[] {
  const isOwnDamaged = report.findings.some(
    (each) => isDamageFinding(each) && (each.source === undefined || own.includes(each.source)),
  );
  return isWished || isOwnDamaged || lossType === 'malicious' ? [] : damagedBesides(own, report);
}

/** Damaged sources that a plan for these leaves as they are. */
export function damagedBesides(
  planned: readonly string[],
  report: DamageReport,
): readonly string[] {
  return report.sources
    .map(({ name }) => name)
    .filter((name) => !planned.includes(name) && lossIn(report, name) !== undefined);
}

/** Backups that are bad are seen to, but a recovery of their source brings nothing back. */
const ofBackups: readonly string[] = ['nothing-restorable', 'proof-failed', 'flagged-snapshot'];

/** The worst that was found of a source itself. */
export function lossIn({ findings }: DamageReport, name: string): DamageFinding | undefined {
  return findings.find(
    (each) => each.source === name && isDamageFinding(each) && !ofBackups.includes(each.kind),
  );
}

/** Whether the command line says to which moment, or by which way. */
export function isAnythingWished(options: WishValues): boolean {
  const names = Object.keys(wishOptions) as (keyof typeof wishOptions)[];
  return names.some((name) => options[name] !== undefined);
}

/** What it says of these sources, and of what belongs to none. */
export function reportOf(report: DamageReport, names: readonly string[]): DamageReport {
  return {
    ...report,
    sources: report.sources.filter(({ name }) => names.includes(name)),
    findings: report.findings.filter(
      ({ source }) => source === undefined || names.includes(source),
    ),
  };
}
