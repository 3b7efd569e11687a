import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Environment, Severity } from '../../config/index.ts';
import { methods } from '../plan/matrix.ts';
import type { Method } from '../plan/plan.ts';
import { judgeFreeze } from './what-to-freeze.ts';

const environments = ['production', 'staging', 'development'] as const;
const severities = ['P0', 'P1', 'P2', 'P3'] as const;

/** The table that people read: `| production | P0 to P3 | P0, P1 | nobody |`. */
function guideTable(): Readonly<Record<Environment, readonly string[]>> {
  const guide = readFileSync(new URL('../../../docs/guide/freeze.md', import.meta.url), 'utf8');
  const rows = guide
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .filter(([, environment]) => environments.some((each) => each === environment));
  return Object.fromEntries(
    rows.map(([, environment, ...cells]) => [environment, cells.slice(0, 3)]),
  );
}

function frozenFor(environment: Environment, method: Method | undefined): string {
  const frozen = severities.filter(
    (severity) => judgeFreeze({ environment, severity, method }).isFrozen,
  );
  if (frozen.length === 0) return 'nobody';
  return frozen.length > 2 ? `P0 to ${frozen.at(-1)}` : frozen.join(', ');
}

describe('what is frozen', () => {
  it('is what the guide says, for every environment, severity and method', () => {
    const columns = ['beside', 'into', 'nothing'];
    const table = guideTable();
    for (const environment of environments) {
      expect(frozenFor(environment, undefined)).toBe(table[environment][0]);
      for (const [method, { changes }] of Object.entries(methods)) {
        const told = table[environment][columns.indexOf(changes)];
        expect(frozenFor(environment, method as Method), `${environment}, ${method}`).toBe(told);
      }
    }
  });

  it.each<[Environment, Severity | undefined, Method | undefined, boolean, string]>([
    [
      'production',
      'P3',
      'point-in-time',
      true,
      'in production nobody writes while its data is replaced',
    ],
    ['production', 'P3', undefined, true, 'in production nobody writes while its data is replaced'],
    [
      'production',
      'P2',
      'rescue-rows',
      false,
      'in production a P2 stops nobody while something is put back into it',
    ],
    [
      'production',
      undefined,
      'rescue-rows',
      true,
      'in production a P1 stops who writes while something is put back into it',
    ],
    [
      'staging',
      'P3',
      'full-restore',
      false,
      'in staging a P3 stops nobody while its data is replaced',
    ],
    [
      'staging',
      undefined,
      undefined,
      true,
      'in staging a P1 stops who writes while its data is replaced',
    ],
    [
      'development',
      'P0',
      undefined,
      false,
      'in development nobody is stopped while its data is replaced',
    ],
  ])('in %s for %s by %s: %s', (environment, severity, method, isFrozen, reason) => {
    expect(judgeFreeze({ environment, severity, method })).toEqual({ isFrozen, reason });
  });
});
