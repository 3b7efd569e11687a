import { expect, it } from 'vitest';
import type { RecoveryClock } from '../../recovery/index.ts';
import { describeClock } from './clock-text.ts';

const minute = 60_000;
const clock: RecoveryClock = {
  elapsedMs: 5 * minute,
  isStopped: false,
  remainingMs: undefined,
  unmeasured: [],
  objectiveMs: undefined,
  leftMs: undefined,
  stepElapsedMs: undefined,
};
const objective = (leftMs: number) => ({ objectiveMs: 30 * minute, leftMs });

it.each<[Partial<RecoveryClock>, string]>([
  [{}, '5m 0s since the loss was declared'],
  [objective(25 * minute), '5m 0s since the loss was declared, 25m 0s of 30m 0s left'],
  [
    { ...objective(-2 * minute), elapsedMs: 32 * minute },
    '32m 0s since the loss was declared, 2m 0s over the objective of 30m 0s',
  ],
  [
    { ...objective(25 * minute), remainingMs: 4 * minute },
    '5m 0s since the loss was declared, 25m 0s of 30m 0s left, about 4m 0s until services write again',
  ],
  [
    { ...objective(25 * minute), remainingMs: 35 * minute, unmeasured: ['identify'] },
    '5m 0s since the loss was declared, 25m 0s of 30m 0s left, at least 35m 0s until services write again, 10m 0s too late, without what was never measured',
  ],
  [
    { ...objective(25 * minute), remainingMs: 0, isStopped: true },
    'services wrote again 5m 0s after the loss was declared, within the objective of 30m 0s',
  ],
  [
    { ...objective(-2 * minute), elapsedMs: 32 * minute, remainingMs: 0, isStopped: true },
    'services wrote again 32m 0s after the loss was declared, 2m 0s over the objective of 30m 0s',
  ],
])('%j', (change, text) => {
  expect(describeClock({ ...clock, ...change })).toBe(text);
});
