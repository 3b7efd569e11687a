import { describe, expect, it } from 'vitest';
import type { Environment } from '../config/index.ts';
import { adviseFreeze } from './advise-freeze.ts';

const environmentOf = (source: string): Environment =>
  source === 'trial' ? 'staging' : source === 'toy' ? 'development' : 'production';
const advised = (severity: 'P0' | 'P2' | 'P3', ...sources: string[]) =>
  adviseFreeze({ severity, sources }, environmentOf)?.sources;

describe('the freeze that an incident asks for', () => {
  it('is that of each of its sources', () => {
    expect(advised('P3', 'database', 'trial', 'toy')).toEqual(['database']);
    expect(advised('P2', 'database', 'trial', 'toy')).toEqual(['database', 'trial']);
    expect(advised('P0', 'toy')).toBeUndefined();
    expect(advised('P3', 'trial')).toBeUndefined();
  });

  it('is that of production while nobody knows the sources', () => {
    expect(advised('P3')).toEqual([]);
  });
});
