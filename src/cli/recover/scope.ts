import { type DamageReport, isDamageFinding, type Surroundings } from '../../recovery/index.ts';
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
  incident: Pick<KnownIncident, 'sources'>,
  isNamed: boolean,
  surroundings: Surroundings,
): Scope {
  const own = concernedSources(wanted, incident, surroundings);
  const rest = Object.keys(surroundings.configuration.sources).filter(
    (name) => !own.includes(name),
  );
  if (wanted !== undefined || isNamed) return { own, looked: own, notLooked: rest };
  return { own, looked: [...own, ...rest], notLooked: [] };
}

/**
 * The sources that a plan is for: the own ones, unless they are well and others are damaged. What somebody said (a moment, a way, what happened)
 * was said of the own sources, and is never done to others: a moment that is right for one would take good data of another back.
 */
export function plannedSources(
  { own }: Scope,
  report: DamageReport,
  isSaid: boolean,
): readonly string[] {
  const isOwnDamaged = report.findings.some(
    (each) => isDamageFinding(each) && (each.source === undefined || own.includes(each.source)),
  );
  const others = damagedBesides(own, report);
  return isSaid || isOwnDamaged || others.length === 0 ? own : others;
}

/** Damaged sources that a plan for these leaves as they are. */
export function damagedBesides(
  planned: readonly string[],
  { sources, findings }: DamageReport,
): readonly string[] {
  const isDamaged = (name: string) =>
    findings.some((each) => each.source === name && isDamageFinding(each));
  return sources
    .map(({ name }) => name)
    .filter((name) => !planned.includes(name) && isDamaged(name));
}

/** Whether the options, or the incident, say more than that something is wrong. */
export function isAnythingSaid(options: WishValues, { lossType }: KnownIncident): boolean {
  const names = Object.keys(wishOptions) as (keyof typeof wishOptions)[];
  return lossType !== undefined || names.some((name) => options[name] !== undefined);
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
