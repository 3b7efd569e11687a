import type { RunState } from './run-state.ts';

/**
 * What of a run that stands keeps users out, to be said behind what holds; nothing where it froze nothing, or has thawed all. A freeze that was
 * begun, and whose end nobody saw, counts: some of it may be frozen.
 */
export function stillFrozen({ plan, steps }: Pick<RunState, 'plan' | 'steps'>): string {
  const isFrozen = plan.steps.some(({ id, kind }) => {
    const { phase = 'waiting', outcome } = steps[id] ?? {};
    if (kind !== 'freeze' || !['done', 'begun', 'failed', 'undoing'].includes(phase)) return false;
    // Where nothing that writes is configured, the step is done and there is no freeze.
    if (phase === 'done' && typeof outcome?.result.freeze !== 'string') return false;
    const thaw = plan.steps.find((each) => each.kind === 'thaw' && each.input.of === id);
    return thaw === undefined || steps[thaw.id]?.phase !== 'done';
  });
  return isFrozen ? '; what was frozen stays frozen: users are kept out' : '';
}
