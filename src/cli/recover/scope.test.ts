import { describe, expect, it } from 'vitest';
import type { DamageReport, Surroundings } from '../../recovery/index.ts';
import type { LeadOptions } from './lead-recovery.ts';
import {
  damagedBesides,
  insteadOfOwn,
  isAnythingWished,
  lossIn,
  reportOf,
  scopeOf,
} from './scope.ts';

const surroundings = {
  configuration: { sources: { database: {}, uploads: {}, letters: {} } },
} as unknown as Surroundings;
const incident = { sources: ['uploads'] };

/** A report in which these are damaged; undefined: something that is of no source. */
function damaged(...names: readonly (string | undefined)[]): DamageReport {
  return {
    sources: ['uploads', 'database', 'letters'].map((name) => ({ name })),
    findings: names.map((source) => ({ source, severity: 'critical', strength: 'certain' })),
  } as unknown as DamageReport;
}

describe('what is looked at', () => {
  it('is every source when none was named, those of the incident first', () => {
    const { own, looked, notLooked } = scopeOf(undefined, incident, false, surroundings);
    expect(own).toEqual(['uploads']);
    expect(looked).toEqual(['uploads', 'database', 'letters']);
    expect(notLooked).toEqual([]);
  });

  it('is what was named, and what is left out is known', () => {
    const named = scopeOf(undefined, incident, true, surroundings);
    expect(named).toMatchObject({ looked: ['uploads'], notLooked: ['database', 'letters'] });
    const source = scopeOf('database', incident, false, surroundings);
    expect(source).toMatchObject({ looked: ['database'], notLooked: ['uploads', 'letters'] });
  });

  it('is what recoveries added to the incident, too, though what is said is not said of that', () => {
    const added = { ...incident, addedSources: ['letters'] };
    const named = scopeOf(undefined, added, true, surroundings);
    expect(named).toEqual({
      own: ['uploads'],
      looked: ['uploads', 'letters'],
      notLooked: ['database'],
    });
  });
});

describe('what is planned for', () => {
  const scope = scopeOf(undefined, incident, false, surroundings);
  const known = { id: 'INC-1', ...incident };

  it('is damage of another source when those of the incident are well', () => {
    expect(insteadOfOwn(scope, damaged('database'), known, false)).toEqual(['database']);
    expect(insteadOfOwn(scope, damaged(), known, false)).toEqual([]);
  });

  it('is the incident where it is damaged, or may be; the rest is told', () => {
    const both = damaged('database', 'uploads');
    expect(insteadOfOwn(scope, both, known, false)).toEqual([]);
    expect(insteadOfOwn(scope, damaged('database', undefined), known, false)).toEqual([]);
    expect(damagedBesides(['uploads'], both)).toEqual(['database']);
  });

  it('is the incident where the command line names a moment or a way, and after an intrusion', () => {
    const options = {} as LeadOptions;
    expect(isAnythingWished(options)).toBe(false);
    expect(isAnythingWished({ ...options, at: '14:29' })).toBe(true);
    expect(insteadOfOwn(scope, damaged('database'), known, true)).toEqual([]);
    const of = (lossType: 'malicious' | 'failed-migration') =>
      insteadOfOwn(scope, damaged('database'), { ...known, lossType }, false);
    expect(of('failed-migration')).toEqual(['database']);
    expect(of('malicious')).toEqual([]);
  });

  it('is nothing because of bad backups: a recovery of the source brings nothing back', () => {
    const report = damaged('database');
    const [finding] = report.findings;
    const backups = { ...report, findings: [{ ...finding, kind: 'nothing-restorable' }] };
    expect(lossIn(backups as DamageReport, 'database')).toBeUndefined();
    expect(lossIn(report, 'database')).toBe(finding);
  });

  it('has only what belongs to it, or to no source', () => {
    const { sources, findings } = reportOf(damaged('database', 'uploads', undefined), ['database']);
    expect(sources.map(({ name }) => name)).toEqual(['database']);
    expect(findings.map(({ source }) => source)).toEqual(['database', undefined]);
  });
});
