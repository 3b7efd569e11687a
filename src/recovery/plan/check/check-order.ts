import type { Plan } from '../plan.ts';
import { ok, type PlanFinding, problem } from './plan-finding.ts';

const remedy = 'This plan was not made by `lifeboat plan`, or was changed. Make a new one.';

/** Ids are unique, and each step comes after those whose outcome it needs: so there are no circles either. */
export function checkOrder({ steps }: Plan): readonly PlanFinding[] {
  const found: PlanFinding[] = [];
  const before = new Set<string>();
  for (const { id, input } of steps) {
    if (before.has(id)) found.push(problem('order', `two steps are called ${id}`, remedy));
    const { of } = input;
    if (typeof of === 'string' && of !== 'live' && !before.has(of)) {
      found.push(problem('order', `${id} needs ${of}, which does not come before it`, remedy));
    }
    before.add(id);
  }
  const open = steps.filter(
    ({ id, kind }) =>
      kind === 'freeze' && !steps.some((each) => each.kind === 'thaw' && each.input.of === id),
  );
  found.push(...open.map(({ id }) => problem('order', `nothing thaws what ${id} froze`, remedy)));
  return found.length > 0
    ? found
    : [ok('order', `${steps.length} steps, each after what it needs`)];
}
