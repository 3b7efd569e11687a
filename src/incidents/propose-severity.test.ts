import { describe, expect, it } from 'vitest';
import { extentNames, parseLossType, parseSeverity, proposeSeverity, severities } from './index.ts';

describe('severity', () => {
  it('follows the extent, and is milder where nobody has real data', () => {
    const proposed = (environment: 'production' | 'staging' | 'development') =>
      extentNames.map((extent) => proposeSeverity({ extent, environments: [environment] }));
    expect(proposed('production')).toEqual(['P0', 'P1', 'P2', 'P3', 'P3']);
    expect(proposed('staging')).toEqual(['P2', 'P2', 'P2', 'P3', 'P3']);
    expect(proposed('development')).toEqual(['P3', 'P3', 'P3', 'P3', 'P3']);
  });

  it('follows the environment where the configuration says so', () => {
    const proposed = (environment: 'production' | 'staging' | 'development') =>
      extentNames.map((extent) =>
        proposeSeverity({ extent, environments: [environment], classifyBy: 'environment' }),
      );
    expect(proposed('production')).toEqual(['P0', 'P0', 'P1', 'P1', 'P3']);
    expect(proposed('staging')).toEqual(['P2', 'P2', 'P2', 'P2', 'P3']);
    expect(proposed('development')).toEqual(['P2', 'P2', 'P2', 'P2', 'P3']);
  });

  it('takes the worst of several, and production as long as nothing is known', () => {
    const extent = 'complete';
    expect(proposeSeverity({ extent, environments: ['development', 'production'] })).toBe('P0');
    expect(proposeSeverity({ extent, environments: [] })).toBe('P0');
  });

  it('goes by several names', () => {
    const names = ['P0', 'p1', 'SEV3', 'sev 4', 'Critical', ' low ', 'P4', 'SEV0', ''];
    expect(names.map(parseSeverity)).toEqual([
      'P0',
      'P1',
      'P2',
      'P3',
      'P0',
      'P3',
      undefined,
      undefined,
      undefined,
    ]);
    expect(['failed migration', 'HARDWARE', 'nothing'].map(parseLossType)).toEqual([
      'failed-migration',
      'hardware',
      undefined,
    ]);
  });

  it('says when somebody has to work on it', () => {
    const minutes = Object.values(severities).map((each) => each.respondWithinMs / 60_000);
    expect(minutes).toEqual([15, 60, 240, 1440]);
  });
});
