import { expect, it } from 'vitest';
import { databaseFacts, planConfiguration, planFacts } from '../../../test/support/plan-facts.ts';
import { buildPlan } from './build-plan.ts';
import { chooseMethod } from './choose-method.ts';
import type { Method, RunMode } from './plan.ts';

/** Steps of a dump that is loaded into a server. */
function stepsOf(mode: RunMode) {
  const ground = {
    kind: 'server' as const,
    text: 'admin@db:5432/postgres',
    host: 'db',
    isElsewhere: false,
  };
  const time = '2026-11-26T14:00:00.000Z';
  const facts = planFacts({
    incident: { id: 'INC-1', lossType: 'accidental-deletion' },
    wish: { target: { target: { kind: 'time', time }, text: time, time } },
    sources: [databaseFacts({ kind: 'postgres-dump', windows: [], proofs: [], ground })],
  });
  const chosen = chooseMethod(facts);
  return buildPlan({
    facts,
    configuration: planConfiguration(),
    chosen: { ...chosen, method: chosen.method as Method },
    mode,
    places: {},
    seen: { configuration: 'c'.repeat(64), sources: {} },
  }).steps;
}

it('tries services on the loaded dump once it was checked, and before it is put in place', () => {
  const steps = stepsOf('live');
  const ids = steps.map(({ id }) => id);
  const from = ids.indexOf('deliver-database');
  expect(ids.slice(from, from + 4)).toEqual([
    'deliver-database',
    'validate-database',
    'try-database',
    'swap-database',
  ]);
  expect(steps.find(({ id }) => id === 'try-database')?.input.of).toBe('deliver-database');
});

it('loads nothing in a rehearsal, so nothing of it is looked at or tried', () => {
  expect(stepsOf('drill').map(({ kind }) => kind)).toEqual(['identify', 'restore']);
});
