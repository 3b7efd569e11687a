import { describe, expect, it } from 'vitest';
import { comparePerformance, type ServicePerformance } from './service-performance.ts';

const usual: ServicePerformance = {
  answersMs: { api: { health: 20, login: 400 } },
  resources: { api: { memoryBytes: 200_000_000, processors: 0.1 } },
  statements: { database: { '42': { meanMs: 3, calls: 900, text: 'select $1' } } },
  errorForms: {},
};

describe('performance before and after', () => {
  it('says nothing of what is as before', () => {
    expect(comparePerformance(usual, usual)).toEqual([]);
  });

  it('names what is more than twice as slow or large, worst first', () => {
    const now: ServicePerformance = {
      ...usual,
      answersMs: { api: { health: 60, login: 900 } },
      resources: { api: { memoryBytes: 700_000_000, processors: 0.3 } },
      statements: { database: { '42': { meanMs: 90, calls: 12, text: 'select $1' } } },
    };
    expect(comparePerformance(usual, now)).toEqual([
      { what: 'database: statement 42', statement: 'select $1', before: 3, now: 90, unit: 'ms' },
      { what: 'api: memory', before: 200_000_000, now: 700_000_000, unit: 'bytes' },
      { what: 'api: login', before: 400, now: 900, unit: 'ms' },
    ]);
  });

  it('does not judge what was not measured before, or hardly now', () => {
    const now: ServicePerformance = {
      ...usual,
      answersMs: { other: { health: 9_000 } },
      resources: { other: { memoryBytes: 9e9 } },
      statements: {
        database: { '42': { meanMs: 900, calls: 2 }, '43': { meanMs: 900, calls: 99 } },
      },
    };
    expect(comparePerformance(usual, now)).toEqual([]);
  });
});
