import type { RunState } from './run-state.ts';

/** What a run replaced, and keeps until it lets go of it. JSON. */
export interface KeptFormer {
  readonly source: string;
  /** For people: a path and the place that has it, names of databases. */
  readonly at: string;
}

/** What is being let go of may be half gone, and is not named. A run of an older version did not write down where. */
export function keptFormers({ plan, steps }: RunState): readonly KeptFormer[] {
  const letGo = plan.steps.filter(
    ({ kind, id }) =>
      kind === 'settle' && !['waiting', 'skipped'].includes(steps[id]?.phase ?? 'waiting'),
  );
  return plan.steps.flatMap(({ id, kind, input }) => {
    const { phase, outcome } = steps[id] ?? {};
    const { source } = input;
    const at = outcome?.result.formerAt;
    const isKept =
      kind === 'swap' && phase === 'done' && !letGo.some((settle) => settle.input.of === id);
    return isKept && typeof at === 'string' && typeof source === 'string' ? [{ source, at }] : [];
  });
}
