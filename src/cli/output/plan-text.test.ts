import { expect, it } from 'vitest';
import type { Plan } from '../../recovery/index.ts';
import { describePlan, shortTime } from './plan-text.ts';
import { createStyle } from './style.ts';

const style = createStyle({ isTTY: false } as NodeJS.WriteStream, {});
const none = { loss: 'none', basis: [] };

it.each([
  [none, 'never measured'],
  [{ ...none, durationMs: 4800 }, 'about 4.8 s'],
  [{ ...none, durationMs: 4800, unmeasured: ['freeze'] }, 'at least 4.8 s'],
])('the time of %j', (predicted, text) => {
  expect(shortTime(predicted)).toBe(text);
});

it('a time that steps are missing from is the least it takes', () => {
  const plan = {
    id: '0123456789abcdef',
    method: 'restart',
    sources: ['database'],
    reasons: ['no commit after 2026-11-26T23:04:58.705Z'],
    alternatives: [],
    steps: [],
  };
  const told = (unmeasured: readonly string[]) =>
    describePlan(
      { ...plan, predicted: { ...none, durationMs: 4800, unmeasured } } as unknown as Plan,
      style,
    );
  expect(told([])).toContain('time     4.8 s until services write again\n');
  expect(told(['freeze'])).toContain(
    'time     at least 4.8 s until services write again, without what was never measured: freeze\n',
  );
  expect(told([])).not.toContain('T23:04:58');
});
