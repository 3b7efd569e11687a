import type { RunState, StepKindName } from '../../recovery/index.ts';

/** What a step that is done ticks on the checklist of its incident. */
const ticks: Readonly<Partial<Record<StepKindName, string>>> = {
  freeze: 'state-preserved',
  'safety-snapshot': 'state-preserved',
  'forensic-copy': 'state-preserved',
  assess: 'loss-determined',
  'rescue-rows': 'data-restored',
  extract: 'data-restored',
  'restore-files': 'data-restored',
  restore: 'data-restored',
  validate: 'integrity-verified',
  watch: 'services-healthy',
  prove: 'fresh-backup',
};

/** That there is a run at all says that the loss was classified and looked at, and that a way was chosen. */
const tickedByRun = ['classified', 'scope', 'plan-made', 'method-chosen'];

/** Items of the checklist that a run has done, as an update of the incident takes them. */
export function tickedBy({ plan, steps }: RunState): Readonly<Record<string, true>> {
  const done = plan.steps.flatMap(({ id, kind }) =>
    steps[id]?.phase === 'done' ? (ticks[kind] ?? []) : [],
  );
  return Object.fromEntries([...tickedByRun, ...done].map((item) => [item, true]));
}
