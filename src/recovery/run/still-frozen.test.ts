import { expect, it } from 'vitest';
import { planOf } from '../../../test/support/recovery-run.ts';
import type { StepPhase } from './run-state.ts';
import { stillFrozen } from './still-frozen.ts';

const plan = planOf([
  { id: 'freeze', kind: 'freeze' },
  { id: 'swap' },
  { id: 'thaw', kind: 'thaw', input: { of: 'freeze' } },
]);
const step = (phase: StepPhase, result: Readonly<Record<string, unknown>> = {}) => ({
  phase,
  attempts: 1,
  approvals: [],
  outcome: { text: '', evidence: {}, result },
});
const said = (freeze: ReturnType<typeof step>, thaw: StepPhase = 'waiting') =>
  stillFrozen({ plan, steps: { freeze, thaw: step(thaw) } });

it('is said from the beginning of the freeze until its thaw is done', () => {
  const frozen = step('done', { freeze: 'f1' });
  for (const each of [frozen, step('begun'), step('failed'), step('undoing')]) {
    expect(said(each)).toContain('users are kept out');
  }
  for (const thaw of ['begun', 'failed', 'undone'] as const) {
    expect(said(frozen, thaw)).toContain('users are kept out');
  }
  expect(said(frozen, 'done')).toBe('');
  expect(stillFrozen({ plan: planOf([{ id: 'swap' }]), steps: {} })).toBe('');
});

it('is not said where nothing is, or was to be, frozen', () => {
  expect(said(step('waiting'))).toBe('');
  expect(said(step('undone', { freeze: 'f1' }))).toBe('');
  expect(said(step('done', { frozen: {} }))).toBe('');
});
