import { describe, expect, it } from 'vitest';
import { LifeboatError } from '../../src/core/index.ts';
import type { RunState, StepKind, StepKindName } from '../../src/recovery/index.ts';
import { type RunEntry, sealEntry } from '../../src/recovery/run/run-entry.ts';
import { planOf, runsWith, type Script, scriptedKind } from '../support/recovery-run.ts';
import { runScene } from '../support/run-scene.ts';

const scene = runScene();
describe('what later steps build on', () => {
  const kinds = (script: Script) => async (name: string) =>
    ({ ...scriptedKind(script), name }) as StepKind;
  const step = (id: string, kind: StepKindName, input: Readonly<Record<string, unknown>> = {}) => ({
    id,
    kind,
    input: { id, source: 'database', ...input },
  });
  const chain = planOf([
    step('freeze', 'freeze'),
    step('restore-database', 'restore'),
    step('validate-database', 'validate', { of: 'restore-database' }),
    step('deliver-database', 'deliver', { of: 'restore-database' }),
    step('swap-database', 'swap', { of: 'deliver-database' }),
    step('start-database', 'restart', { didNotRun: true, source: undefined }),
    step('thaw', 'thaw', { of: 'freeze' }),
  ]);
  const breakingAt = (at: string) => ({
    ...scene.log,
    run(id: string) {
      if (id === at) throw new LifeboatError('ground.failed', 'the disk is full');
      scene.done.push(id);
    },
  });

  it.each([
    ['restore-database', 'Do validate-database'],
    ['deliver-database', 'Do swap-database'],
    ['swap-database', 'Do start-database'],
  ])('is not left out: %s', async (broken, later) => {
    const { runs } = runsWith({
      engine: scene.engine,
      place: scene.place(),
      kinds: kinds(breakingAt(broken)),
    });
    const failure = await runs.start(chain).catch((error) => error);
    expect(failure).toMatchObject({ code: 'run.failed', context: { step: broken } });
    expect(failure.hint).toContain(`cannot be left out: "${later}" builds on it`);
    expect(failure.hint).toMatch(/--resume INC-1.*--abort/);
    expect(failure.hint).not.toContain('--skip');
    const skip = { step: broken, reason: 'as the hint said' };
    const refused = await runs.resume(undefined, { skip }).catch((error) => error);
    expect(refused).toMatchObject({ code: 'usage.invalid' });
    expect(refused.hint).toMatch(/--resume INC-1.*--abort/);
    expect((await runs.find(undefined)).steps[broken]?.phase).toBe('failed');
    expect(scene.done).not.toContain('start-database');
  });

  it('the data is offered instead where a server does not start on what is there', async () => {
    const { runs } = runsWith({
      engine: scene.engine,
      place: scene.place(),
      kinds: kinds(breakingAt('restart-db')),
    });
    const input = { service: 'db', source: 'database' };
    const plan = planOf([step('restart-db', 'restart', input)]);
    const failure = await runs.start(plan).catch((error) => error);
    expect(failure).toMatchObject({ code: 'run.failed', context: { step: 'restart-db' } });
    const { run } = await runs.find(undefined);
    expect(failure.hint).toContain(
      `\`lifeboat recover --abort ${run} --reason TEXT\`, then \`lifeboat recover database --type accidental-deletion\``,
    );
  });

  it('a server that is started on restored data is not told to be without', async () => {
    const { runs } = runsWith({
      engine: scene.engine,
      place: scene.place(),
      kinds: kinds(breakingAt('start-database')),
    });
    const failure = await runs.start(chain).catch((error) => error);
    expect(failure).toMatchObject({ context: { step: 'start-database' } });
    expect(failure.hint).not.toContain('--type');
  });

  it('is not left out by a note either', async () => {
    const { runs } = runsWith({
      engine: scene.engine,
      place: scene.place(),
      kinds: kinds(breakingAt('deliver-database')),
    });
    await runs.start(chain).catch(() => {});
    const { run } = await runs.find(undefined);
    await runs.say(run, { type: 'skip', step: 'deliver-database', reason: 'no' });
    await expect(runs.resume(undefined)).rejects.toMatchObject({ code: 'run.failed' });
    expect((await runs.find(undefined)).steps['deliver-database']?.phase).toBe('failed');
  });

  it('may be left as it is while the run is given up, and a check may be left out', async () => {
    const { runs } = runsWith({
      engine: scene.engine,
      place: scene.place(),
      kinds: kinds({
        ...breakingAt('validate-database'),
        undo(id) {
          if (id === 'swap-database') throw new LifeboatError('ground.failed', 'stuck');
        },
      }),
    });
    await expect(runs.start(chain)).rejects.toMatchObject({ code: 'run.failed' });
    const unchecked = { step: 'validate-database', reason: 'looked by hand' };
    expect((await runs.resume(undefined, { skip: unchecked })).phase).toBe('done');
    scene.done = [];
    const { runs: others } = runsWith({
      engine: scene.engine,
      place: scene.place(),
      kinds: kinds({
        run(id) {
          if (id === 'thaw') throw new LifeboatError('platform.failed', 'no');
        },
        undo(id) {
          if (id === 'swap-database') throw new LifeboatError('ground.failed', 'stuck');
        },
      }),
    });
    await expect(others.start(chain)).rejects.toMatchObject({ code: 'run.failed' });
    const { run } = (await others.list()).find(({ phase }) => phase === 'paused') as RunState;
    const abort = { reason: 'enough' };
    await expect(others.resume(run, { abort })).rejects.toMatchObject({
      hint: expect.stringContaining('--skip swap-database'),
    });
    const skip = { step: 'swap-database', reason: 'by hand' };
    expect(await others.resume(run, { abort, skip })).toMatchObject({ phase: 'aborted' });
  });

  it.each(['start-database', 'thaw'])(
    'is not stepped over by a run of an older version that left it out: %s',
    async (first) => {
      const plan = {
        ...chain,
        steps: chain.steps.filter(({ id }) => first !== 'thaw' || id !== 'start-database'),
      };
      const { runs } = runsWith({
        engine: scene.engine,
        place: scene.place(),
        kinds: kinds(breakingAt('swap-database')),
      });
      await expect(runs.start(plan)).rejects.toMatchObject({ code: 'run.failed' });
      const { run } = await runs.find(undefined);
      const { id: previous, ...last } = (await scene.engine.entries(run)).at(-1) as RunEntry;
      const leftOut = sealEntry({
        ...last,
        sequence: last.sequence + 1,
        previous,
        body: { type: 'skipped', step: 'swap-database', person: 'alice', reason: 'as it said' },
      });
      await scene.engine.adopt([leftOut]);
      const { runs: later } = runsWith({
        engine: scene.engine,
        place: scene.place(),
        kinds: kinds(scene.log),
      });
      const failure = await later.resume(undefined).catch((error) => error);
      expect(failure).toMatchObject({
        code: 'run.failed',
        message: expect.stringContaining('builds on "Do swap-database", which was left out'),
        context: { step: first },
      });
      expect(failure.hint).toContain(`--abort ${run}`);
      expect(scene.done).not.toContain(first);
      expect(await later.resume(undefined, { abort: { reason: 'back' } })).toMatchObject({
        phase: 'aborted',
      });
    },
  );
});
