import { describe, expect, it } from 'vitest';
import {
  databaseFacts,
  elsewhere,
  planConfiguration,
  planFacts,
} from '../../../test/support/plan-facts.ts';
import { buildPlan } from './build-plan.ts';
import { chooseMethod } from './choose-method.ts';
import type { PlanFacts } from './facts.ts';
import type { Method } from './plan.ts';

function planOf(facts: Partial<PlanFacts>) {
  const all = planFacts(facts);
  const chosen = chooseMethod(all);
  return buildPlan({
    facts: all,
    configuration: planConfiguration(),
    chosen: { ...chosen, method: chosen.method as Method },
    mode: 'live',
    places: {},
    seen: { configuration: 'c'.repeat(64), sources: {} },
  });
}

describe('a plan to a new server', () => {
  it('keeps the place that a new server leaves closed, and says so', () => {
    const time = '2026-11-26T14:00:00.000Z';
    const target = { target: { kind: 'time', time }, text: time, time };
    const wish = { target, method: 'new-server' as const };
    const sources = [databaseFacts({ ground: elsewhere })];
    const { steps } = planOf({ wish, sources });
    const step = (id: string) => steps.find((each) => each.id === id);
    expect(step('thaw')?.input).toEqual({
      of: 'freeze',
      moved: {
        sources: ['database'],
        pointedBy: { 'point-database': ['api'], 'point-by-hand-database': ['worker'] },
      },
    });
    for (const id of ['point-database', 'point-by-hand-database']) expect(step(id)).toBeDefined();
    expect(step('thaw')?.title).toMatch(/the former database .* stays closed/);
    expect(step('settle-database')?.input.closed).toBe('freeze');
    expect(step('protect-database')?.input.instruction).toContain('stays closed');
  });

  it('says that nobody closes the former place of a server that does not answer', () => {
    const incident = { id: 'inc-1', lossType: 'hardware' as const };
    const { steps } = planOf({
      incident,
      sources: [databaseFacts({ server: 'down', ground: elsewhere })],
    });
    const step = (id: string) => steps.find((each) => each.id === id);
    expect(step('thaw')?.title).toMatch(/the former database .* is not closed/);
    expect(step('settle-database')?.input).not.toHaveProperty('closed');
    expect(step('protect-database')?.input.instruction).toContain('Nothing closes');
  });
});
