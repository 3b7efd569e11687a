import { describe, expect, it } from 'vitest';
import type { ServicePerformance } from '../validate/application/service-performance.ts';
import { usualPerformance } from './usual-performance.ts';

const measured = (ms: number, memoryBytes?: number): ServicePerformance => ({
  answersMs: { api: { health: ms } },
  resources: { api: memoryBytes === undefined ? {} : { memoryBytes } },
  statements: { database: { '42': { meanMs: ms / 10, calls: ms } } },
  errorForms: { api: [`form ${ms}`] },
});

describe('what is usual', () => {
  it('is the median of each figure, so that one slow hour counts for nothing', () => {
    const usual = usualPerformance([measured(20), measured(4000, 9), measured(30, 5)]);
    expect(usual).toEqual({
      answersMs: { api: { health: 30 } },
      resources: { api: { memoryBytes: 9 } },
      statements: { database: { '42': { meanMs: 3, calls: 4000 } } },
      errorForms: { api: ['form 20', 'form 4000', 'form 30'] },
    });
  });

  it('is nothing before anything was recorded', () => {
    expect(usualPerformance([]).answersMs).toEqual({});
  });
});
