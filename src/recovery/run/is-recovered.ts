import type { RunState } from './run-state.ts';

/** All is done but to let go of what was replaced: services run on the recovered data, and there is still a way back. */
export function isRecovered({ plan, phase, steps }: RunState): boolean {
  if (phase !== 'paused' && phase !== 'running') return false;
  const left = plan.steps.filter(
    ({ id }) => !['done', 'skipped'].includes(steps[id]?.phase ?? 'waiting'),
  );
  return left.length > 0 && left.every(({ kind }) => kind === 'settle');
}
