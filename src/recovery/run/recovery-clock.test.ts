import { describe, expect, it } from 'vitest';
import { planOf } from '../../../test/support/recovery-run.ts';
import type { Plan, Step } from '../plan/plan.ts';
import { clockOf } from './recovery-clock.ts';
import { type EntryBody, type RunEntry, sealEntry } from './run-entry.ts';
import { foldRun, type RunState } from './run-state.ts';

const second = 1000;
const minute = 60 * second;
const declared = Date.parse('2026-11-27T03:00:00Z');
const at = (ms: number) => new Date(declared + ms);

/** As a restore goes: what is timed, what was never measured, a person, and what comes after services write again. */
const steps: readonly (Partial<Step> & { readonly id: string })[] = [
  { id: 'identify', kind: 'identify' },
  { id: 'restore', kind: 'restore', expectedMs: 10 * minute },
  { id: 'dns', kind: 'manual' },
  { id: 'thaw', kind: 'thaw', expectedMs: 30 * second },
  { id: 'watch', kind: 'watch', expectedMs: 15 * minute },
  { id: 'backup', kind: 'backup', expectedMs: 20 * minute },
  { id: 'let-go', kind: 'settle' },
];
const outcome = { text: 'did it', result: {}, evidence: {} };
const begin = (step: string): EntryBody => ({ type: 'intent', step, attempt: 1 });
const done = (step: string): EntryBody => {
  return { type: 'outcome', step, outcome, durationMs: 1, known: 'seen' };
};
const skip = (step: string): EntryBody => ({
  type: 'skipped',
  step,
  person: 'alice',
  reason: 'no',
});

/** What a journal with these entries says, each so many milliseconds after the loss was declared. */
function journal(
  entries: readonly (readonly [number, EntryBody])[],
  change: { readonly plan?: Plan; readonly objectiveMs?: number } = {},
): RunState {
  const { plan = planOf(steps), objectiveMs = 30 * minute } = change;
  const opened: EntryBody = {
    type: 'opened',
    plan,
    declaredAt: at(0).toISOString(),
    ...(objectiveMs === Number.POSITIVE_INFINITY ? {} : { objectiveMs }),
  };
  const sealed: RunEntry[] = [];
  for (const [ms, body] of [[2 * minute, opened] as const, ...entries]) {
    sealed.push(
      sealEntry({
        run: 'r',
        sequence: sealed.length + 1,
        epoch: 1,
        time: at(ms).toISOString(),
        actor: 'alice',
        host: 'db-1',
        previous: sealed.at(-1)?.id ?? '',
        body,
      }),
    );
  }
  return foldRun(sealed) as RunState;
}

describe('the clock of a recovery', () => {
  it('runs since the loss was declared, and sums what is left until services write again', () => {
    expect(clockOf(journal([]), at(5 * minute))).toEqual({
      elapsedMs: 5 * minute,
      isStopped: false,
      remainingMs: 10 * minute + 30 * second,
      unmeasured: ['identify', 'dns'],
      objectiveMs: 30 * minute,
      leftMs: 25 * minute,
      stepElapsedMs: undefined,
    });
  });

  it('takes off what a step has spent, and no more than it was to take', () => {
    const state = journal([
      [3 * minute, begin('identify')],
      [4 * minute, done('identify')],
      [4 * minute, begin('restore')],
    ]);
    expect(clockOf(state, at(8 * minute))).toMatchObject({
      stepElapsedMs: 4 * minute,
      remainingMs: 6 * minute + 30 * second,
      unmeasured: ['dns'],
    });
    expect(clockOf(state, at(20 * minute))).toMatchObject({
      stepElapsedMs: 16 * minute,
      remainingMs: 30 * second,
    });
  });

  it('counts a step that failed as a whole again, and one that is left out not at all', () => {
    const failed: EntryBody = {
      type: 'failed',
      step: 'restore',
      error: { code: 'x', message: 'x' },
      durationMs: 1,
    };
    const state = journal([
      [4 * minute, begin('restore')],
      [6 * minute, failed],
    ]);
    expect(clockOf(state, at(8 * minute))).toMatchObject({
      stepElapsedMs: undefined,
      remainingMs: 10 * minute + 30 * second,
    });
    const without = journal([[6 * minute, skip('restore')]]);
    expect(clockOf(without, at(8 * minute)).remainingMs).toBe(30 * second);
  });

  const back: readonly (readonly [number, EntryBody])[] = [
    [3 * minute, done('identify')],
    [14 * minute, done('restore')],
    [16 * minute, skip('dns')],
    [17 * minute, done('thaw')],
  ];

  it('stops when services write again, whatever comes after and however long it takes', () => {
    const stopped = {
      elapsedMs: 17 * minute,
      isStopped: true,
      remainingMs: 0,
      leftMs: 13 * minute,
    };
    expect(clockOf(journal(back), at(18 * minute))).toMatchObject(stopped);
    const later = journal([...back, [32 * minute, done('watch')], [60 * minute, done('backup')]]);
    expect(clockOf(later, at(3 * 24 * 60 * minute))).toMatchObject(stopped);
    const ended = journal([
      ...back,
      [32 * minute, done('watch')],
      [60 * minute, done('backup')],
      [9000 * minute, done('let-go')],
      [9000 * minute, { type: 'done' }],
    ]);
    expect(clockOf(ended, at(9001 * minute))).toMatchObject({ ...stopped, unmeasured: [] });
  });

  it('goes on when a step is lost, or all is given up', () => {
    const lost = journal([
      ...back,
      [20 * minute, { type: 'lost', step: 'restore', reason: 'gone' }],
    ]);
    expect(clockOf(lost, at(21 * minute))).toMatchObject({
      elapsedMs: 21 * minute,
      isStopped: false,
      remainingMs: 10 * minute,
    });
    const undone = journal([
      ...back,
      [20 * minute, { type: 'aborting', person: 'alice', reason: 'no' }],
      [21 * minute, { type: 'undo-intent', step: 'thaw' }],
    ]);
    expect(clockOf(undone, at(22 * minute))).toMatchObject({
      elapsedMs: 22 * minute,
      isStopped: false,
      remainingMs: undefined,
    });
  });

  it('tells by how much an objective is missed, and keeps that', () => {
    const state = journal(back, { objectiveMs: 15 * minute });
    expect(clockOf(journal([], { objectiveMs: 4 * minute }), at(5 * minute)).leftMs).toBe(-minute);
    expect(clockOf(state, at(900 * minute)).leftMs).toBe(-2 * minute);
    const none = clockOf(journal(back, { objectiveMs: Number.POSITIVE_INFINITY }), at(minute));
    expect([none.objectiveMs, none.leftMs]).toEqual([undefined, undefined]);
  });

  it('says nothing of the whole where what decides was never measured', () => {
    const plan = planOf(steps.map(({ expectedMs, ...each }) => each));
    expect(clockOf(journal([], { plan }), at(minute)).remainingMs).toBeUndefined();
    const partly = planOf(
      steps.map(({ expectedMs, ...each }) =>
        each.kind === 'restore' || expectedMs === undefined ? each : { ...each, expectedMs },
      ),
    );
    expect(clockOf(journal([], { plan: partly }), at(minute)).remainingMs).toBeUndefined();
  });

  it('of nothing but a backup runs until that is taken', () => {
    const plan = planOf(
      [
        { id: 'backup', kind: 'backup', expectedMs: 20 * minute },
        { id: 'prove', kind: 'prove' },
      ],
      { method: 'new-backup' },
    );
    expect(clockOf(journal([], { plan }), at(minute)).remainingMs).toBe(20 * minute);
  });

  it('shows nothing below zero where the clock of the host was set back', () => {
    const state = journal([[4 * minute, begin('restore')]]);
    expect(clockOf(state, at(-minute))).toMatchObject({ elapsedMs: 0, stepElapsedMs: 0 });
  });
});
