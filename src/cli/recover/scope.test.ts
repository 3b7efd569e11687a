import { describe, expect, it } from 'vitest';
import type { DamageReport, Surroundings } from '../../recovery/index.ts';
import type { LeadOptions } from './lead-recovery.ts';
import { damagedBesides, isAnythingSaid, plannedSources, reportOf, scopeOf } from './scope.ts';

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
});

describe('what is planned for', () => {
  const scope = scopeOf(undefined, incident, false, surroundings);

  it('is damage of another source when those of the incident are well', () => {
    expect(plannedSources(scope, damaged('database'), false)).toEqual(['database']);
    expect(plannedSources(scope, damaged(), false)).toEqual(['uploads']);
  });

  it('is the incident where it is damaged, or may be; the rest is told', () => {
    const both = damaged('database', 'uploads');
    expect(plannedSources(scope, both, false)).toEqual(['uploads']);
    expect(plannedSources(scope, damaged('database', undefined), false)).toEqual(['uploads']);
    expect(damagedBesides(['uploads'], both)).toEqual(['database']);
  });

  it('is the incident where something was said of it: no other source is taken to its moment', () => {
    const options = {} as LeadOptions;
    const known = { id: 'INC-1', ...incident };
    expect(isAnythingSaid(options, known)).toBe(false);
    expect(isAnythingSaid({ ...options, at: '14:29' }, known)).toBe(true);
    expect(isAnythingSaid(options, { ...known, lossType: 'failed-migration' })).toBe(true);
    expect(plannedSources(scope, damaged('database'), true)).toEqual(['uploads']);
  });

  it('has only what belongs to it, or to no source', () => {
    const { sources, findings } = reportOf(damaged('database', 'uploads', undefined), ['database']);
    expect(sources.map(({ name }) => name)).toEqual(['database']);
    expect(findings.map(({ source }) => source)).toEqual(['database', undefined]);
  });
});
