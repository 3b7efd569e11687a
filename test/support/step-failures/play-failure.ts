import { existsSync, rmSync } from 'node:fs';
import { expect, vi } from 'vitest';
import { isLifeboatError, LifeboatError } from '../../../src/core/index.ts';
import {
  type RecoveryRuns,
  type RunDesk,
  type RunState,
  sealPlan,
} from '../../../src/recovery/index.ts';
import { planOf } from '../recovery-run.ts';
import type { FailingWay } from './failing-way.ts';
import type { FailureScene } from './failure-scene.ts';

/** Everything is allowed; a step that nobody can tell of is done again: whoever is asked has looked. */
const willing: RunDesk = async (question) => {
  if (question.kind === 'unclear') return { answer: 'run-again' };
  if (question.kind !== 'approval') return undefined;
  const { typed } = question.approval;
  return { answer: 'allow', ...(typed === undefined ? {} : { typed }) };
};

/**
 * Lets the step fail: the run stops in a named state that says what holds and what to do, and nothing after the step was begun. Then the
 * cause is put right, and it goes on to its end (`resumed`), or the cause is put right and it is given up: what was before is back (`undone`).
 */
export async function playFailure(
  failure: FailingWay,
  scene: FailureScene,
  ending: 'resumed' | 'undone',
): Promise<void> {
  await failure.prepare?.(scene);
  const user = new AbortController();
  const { id: _, ...content } = planOf(failure.steps(scene));
  const plan = sealPlan(content);
  const before = await failure.state?.(scene);
  scene.before = before;
  const first = await scene.runs(
    failure.yaml(scene),
    failure.desk?.(scene) ?? willing,
    user.signal,
  );
  const failed = await withPassingTime(failure, scene, user, () => first.start(plan));
  await expectNamed(failure, failed, await first.find('INC-1'));
  await failure.holds?.(scene);
  scene.mend();
  await failure.mend?.(scene);
  scene.asked.length = 0;
  const second = await scene.runs(failure.yaml(scene), willing);
  if (ending === 'undone' && failure.hasNoWayBack) await expectNoWayBack(second);
  if (ending === 'resumed' || failure.hasNoWayBack) {
    const state = await second.resume('INC-1');
    expect(state.phase).toBe('done');
    expect(scene.asked.filter((kind) => kind === 'unclear')).toEqual(
      failure.isAsked ? ['unclear'] : [],
    );
    await failure.done?.(scene);
    return;
  }
  const state = await second.resume('INC-1', { abort: { reason: 'the test' } });
  expect(state.phase).toBe('aborted');
  expect(state.stays?.join('; ') ?? '').toMatch(failure.stays ?? /^$/);
  expect(await failure.state?.(scene)).toEqual(before);
}

async function expectNamed(
  { says, code = 'run.failed', phase = 'failed' }: FailingWay,
  failed: unknown,
  state: RunState,
): Promise<void> {
  if (!isLifeboatError(failed)) throw failed;
  const { message, hint, code: named } = failed;
  expect(named, message).toBe(code);
  expect(message).toMatch(says);
  expect(hint).toMatch(/--resume INC-1/);
  expect(hint).toMatch(new RegExp(`--abort ${state.run}`));
  expect(state).toMatchObject({ phase: 'paused', steps: { it: { phase } } });
  // A fault of the world is no fault of the program.
  if (phase === 'failed') expect(state.steps.it?.error?.code).not.toBe('bug');
  const at = state.plan.steps.findIndex(({ id }) => id === 'it');
  for (const { id } of state.plan.steps.slice(0, at)) expect(state.steps[id]?.phase).toBe('done');
  for (const { id } of state.plan.steps.slice(at + 1)) {
    expect(state.steps[id]?.phase).toBe('waiting');
  }
}

async function expectNoWayBack(runs: RecoveryRuns): Promise<void> {
  await expect(runs.resume('INC-1', { abort: { reason: 'the test' } })).rejects.toMatchObject({
    code: 'usage.invalid',
    message: expect.stringMatching(/cannot be given up any more/),
    hint: expect.stringMatching(/Nothing was undone.*--resume INC-1/),
  });
  expect(await runs.find('INC-1')).toMatchObject({ phase: 'paused' });
}

/** With what it rejects with; undefined: it did not. */
async function withPassingTime(
  { passesMs, cancels }: FailingWay,
  scene: FailureScene,
  user: AbortController,
  begin: () => Promise<unknown>,
): Promise<unknown> {
  const end = begin().then(
    () => undefined,
    (error: unknown) => error,
  );
  const hangs = scene.at('hangs');
  let jumpsLeft = 0;
  const look = setInterval(() => {
    if (!user.signal.aborted && cancels?.(scene)) {
      user.abort(new LifeboatError('cancelled', 'cancelled by SIGINT'));
    }
    if (passesMs === undefined) return;
    if (existsSync(hangs)) {
      rmSync(hangs);
      // What waits may begin to wait a little later.
      jumpsLeft = 3;
    }
    if (jumpsLeft === 0) return;
    jumpsLeft -= 1;
    vi.advanceTimersByTime(passesMs);
  }, 30);
  try {
    return await end;
  } finally {
    clearInterval(look);
  }
}
