// What a run does with steps that a test scripts: order, approvals, pauses, failures in every way, skipping, undo, other hosts.
import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LifeboatError, sleep } from '../../src/core/index.ts';
import { openSqliteEngine, type RunDesk } from '../../src/recovery/index.ts';
import { type RunEntry, sealEntry } from '../../src/recovery/run/run-entry.ts';
import { approvalOf, engineFile, planOf, runsWith, scriptedKind } from '../support/recovery-run.ts';
import { runScene } from '../support/run-scene.ts';

const scene = runScene();
const three = planOf([{ id: 'a' }, { id: 'b' }, { id: 'c' }]);

describe('a run', () => {
  it('does the steps of its plan in order, and tells of them', async () => {
    const { runs, told } = runsWith({
      engine: scene.engine,
      place: scene.place(),
      script: scene.log,
    });
    const state = await runs.start(three, { objectiveMs: 60_000 });
    expect(scene.done).toEqual(['a', 'b', 'c']);
    expect(state).toMatchObject({
      phase: 'done',
      objectiveMs: 60_000,
      steps: { c: { phase: 'done', attempts: 1, outcome: { text: 'did c' } } },
    });
    expect(told).toContain('step b is done: did b');
    // The state and the repository say the same.
    const [entries, records] = [
      await scene.engine.entries(state.run),
      await scene.stored.open().records.list({ kind: 'run' }),
    ];
    const bodies = records.map(({ body }) => body as { type: string; entry: unknown });
    expect(bodies.filter(({ type }) => type === 'entry').map(({ entry }) => entry)).toEqual(
      entries,
    );
  });

  it('is not begun with the plan of a rehearsal, which asks for nothing', async () => {
    const { runs } = runsWith({ engine: scene.engine, place: scene.place(), script: scene.log });
    const rehearsal = planOf([{ id: 'a' }], { mode: 'drill' });
    await expect(runs.start(rehearsal)).rejects.toMatchObject({ code: 'plan.refused' });
    expect(scene.done).toEqual([]);
    expect(await runs.list()).toEqual([]);
  });

  it('gives later steps what former ones left, and the token of the run', async () => {
    const seen: unknown[] = [];
    const { runs } = runsWith({
      engine: scene.engine,
      place: scene.place(),
      script: { run: (_, { token, outcomes }) => void seen.push([token, Object.keys(outcomes)]) },
    });
    const { run } = await runs.start(three);
    expect(seen).toEqual([
      [run, []],
      [run, ['a']],
      [run, ['a', 'b']],
    ]);
  });

  it('is refused where another run that has not ended changes the same', async () => {
    const failing = runsWith({
      engine: scene.engine,
      place: scene.place(),
      script: {
        run() {
          throw new LifeboatError('platform.failed', 'no');
        },
      },
    });
    await expect(failing.runs.start(three)).rejects.toMatchObject({ code: 'run.failed' });
    const { runs } = runsWith({ engine: scene.engine, place: scene.place(), script: scene.log });
    await expect(runs.start(three)).rejects.toMatchObject({ code: 'run.busy' });
    // Another host, which shares nothing but the repository.
    const other = `${scene.stateFolder}-other`;
    await using otherEngine = await openSqliteEngine(engineFile(other));
    const there = runsWith({
      engine: otherEngine,
      place: scene.place({ stateFolder: other, host: 'other' }),
    });
    await expect(there.runs.start(three)).rejects.toMatchObject({ code: 'run.busy' });
    await runs.start(planOf([{ id: 'x' }], { sources: ['uploads'] }));
    expect(scene.done).toEqual(['x']);
    rmSync(other, { recursive: true });
  });

  it.each([
    ['a time-out', new LifeboatError('platform.timeout', 'not stopped within 60s')],
    ['a command that says no', new LifeboatError('platform.failed', 'it ended with 3')],
    ['a part of it', new LifeboatError('freeze.incomplete', 'one still writes')],
    ['a connection that was cut', new LifeboatError('postgres.connection-lost', 'broke')],
    ['a wrong answer', new TypeError("cannot read 'rows' of undefined")],
    ['nothing', undefined],
  ])('stops at a step that fails by %s, says what holds, and goes on there', async (_, error) => {
    let isBroken = true;
    const { runs, events } = runsWith({
      engine: scene.engine,
      place: scene.place(),
      script: {
        probe: () => 'not-done',
        run(id) {
          if (id === 'b' && isBroken) {
            if (error) throw error;
            scene.done.push('half of b');
            throw 'no error at all';
          }
          scene.done.push(id);
        },
      },
    });
    const failure = await runs.start(three).catch((thrown) => thrown);
    expect(failure).toMatchObject({ code: 'run.failed', context: { step: 'b' } });
    expect(failure.hint).toMatch(/steps before it are done.*--resume INC-1.*--abort/);
    expect((await runs.find('INC-1')).steps).toMatchObject({
      a: { phase: 'done' },
      b: { phase: 'failed', error: { code: error instanceof LifeboatError ? error.code : 'bug' } },
      c: { phase: 'waiting' },
    });
    isBroken = false;
    expect((await runs.resume('INC-1')).phase).toBe('done');
    expect(scene.done.filter((each) => each.length === 1)).toEqual(['a', 'b', 'c']);
    expect(events.filter(({ type }) => type === 'step-failed')).toHaveLength(1);
  });

  it('does not begin a step that something stands against', async () => {
    let against = ['no room'];
    const script = { ...scene.log, check: (id: string) => (id === 'b' ? against : []) };
    const { runs } = runsWith({ engine: scene.engine, place: scene.place(), script });
    await expect(runs.start(three)).rejects.toMatchObject({
      code: 'run.failed',
      message: 'step "Do b" was not begun: no room',
    });
    against = [];
    await runs.resume(undefined);
    expect(scene.done).toEqual(['a', 'b', 'c']);
  });

  it('pauses before a step that is due only later', async () => {
    let due = new Date(Date.now() + 3_600_000);
    const script = { ...scene.log, notBefore: (id: string) => (id === 'c' ? due : undefined) };
    const { runs } = runsWith({ engine: scene.engine, place: scene.place(), script });
    await expect(runs.start(three)).rejects.toMatchObject({ code: 'run.paused' });
    due = new Date();
    expect((await runs.resume('INC-1')).phase).toBe('done');
  });

  it('is interrupted within a step, and goes on with it', async () => {
    const user = new AbortController();
    const script = {
      async run(id: string, { signal }: { signal: AbortSignal }) {
        if (id === 'b' && !user.signal.aborted) {
          setTimeout(() => user.abort(new LifeboatError('cancelled', 'cancelled by SIGINT')), 10);
          await sleep(60_000, signal);
        }
        scene.done.push(id);
      },
    };
    const { runs } = runsWith({
      engine: scene.engine,
      place: scene.place(),
      script,
      signal: user.signal,
    });
    const failure = await runs.start(three).catch((error) => error);
    expect(failure).toMatchObject({ code: 'cancelled' });
    expect(failure.hint).toContain('--resume INC-1');
    expect((await runs.find(undefined)).phase).toBe('paused');
    const again = runsWith({ engine: scene.engine, place: scene.place(), script });
    expect((await again.runs.resume(undefined)).phase).toBe('done');
    expect(scene.done).toEqual(['a', 'b', 'c']);
  });

  it('asks a person what looking does not tell, and pauses when nobody is there', async () => {
    let breaks = true;
    const script = {
      probe: () => 'unclear' as const,
      run(id: string) {
        scene.done.push(id);
        if (id === 'b' && breaks) throw new LifeboatError('postgres.connection-lost', 'broke');
      },
    };
    const { runs } = runsWith({ engine: scene.engine, place: scene.place(), script });
    await expect(runs.start(three)).rejects.toMatchObject({ code: 'run.failed' });
    breaks = false;
    await expect(runs.resume(undefined)).rejects.toMatchObject({
      code: 'run.paused',
      message: expect.stringContaining('no sign of b'),
    });
    const desk: RunDesk = async ({ kind }) =>
      kind === 'unclear' ? { answer: 'was-done' } : undefined;
    const asked = runsWith({ engine: scene.engine, place: scene.place(), script, desk });
    expect((await asked.runs.resume(undefined)).steps.b?.outcome?.text).toContain('alice said');
    expect(scene.done).toEqual(['a', 'b', 'c']);
  });

  it('leaves a step out with a reason', async () => {
    const script = {
      run(id: string) {
        if (id === 'b') throw new LifeboatError('platform.failed', 'no');
        scene.done.push(id);
      },
    };
    const { runs } = runsWith({ engine: scene.engine, place: scene.place(), script });
    await expect(runs.start(three)).rejects.toMatchObject({ code: 'run.failed' });
    await expect(
      runs.resume(undefined, { skip: { step: 'moon', reason: 'none' } }),
    ).rejects.toMatchObject({ code: 'usage.invalid' });
    const state = await runs.resume(undefined, { skip: { step: 'b', reason: 'by hand' } });
    expect(state.steps.b).toMatchObject({ phase: 'skipped', reason: 'by hand' });
    expect(scene.done).toEqual(['a', 'c']);
  });

  it('is given up: what was done is undone, the last first, and an undo that fails is named', async () => {
    let breaks = true;
    const plan = planOf([{ id: 'a' }, { id: 'b' }, { id: 'c' }, { id: 'd' }]);
    const script = {
      probe: () => 'continue' as const,
      run(id: string) {
        scene.done.push(id);
        if (id === 'c') throw new LifeboatError('ground.failed', 'half');
      },
      undo(id: string) {
        if (id === 'b' && breaks) throw new LifeboatError('ground.failed', 'stuck');
        scene.done.push(`undo ${id}`);
      },
    };
    const { runs } = runsWith({ engine: scene.engine, place: scene.place(), script });
    const failed = await runs.start(plan).catch((error) => error);
    expect(failed.code).toBe('run.failed');
    const stuck = await runs.resume(undefined, { abort: { reason: 'enough' } }).catch((e) => e);
    expect(stuck).toMatchObject({ code: 'run.failed', context: { step: 'b' } });
    expect(scene.done).toEqual(['a', 'b', 'c', 'undo c']);
    // Going on means going back now.
    breaks = false;
    const state = await runs.resume(undefined);
    expect(state).toMatchObject({ phase: 'aborted', stays: [] });
    expect(scene.done.slice(3)).toEqual(['undo c', 'undo b', 'undo a']);
    await runs.start(plan).catch(() => {});
    expect(scene.done.slice(6)).toEqual(['a', 'b', 'c']);
  });

  it('leaves as it is what cannot be undone, when somebody says so', async () => {
    const script = {
      ...scene.log,
      undo(id: string) {
        if (id === 'b') throw new LifeboatError('ground.failed', 'stuck');
        scene.done.push(`undo ${id}`);
      },
    };
    const plan = planOf([{ id: 'a' }, { id: 'b' }, { id: 'c', approval: approvalOf() }]);
    const { runs } = runsWith({ engine: scene.engine, place: scene.place(), script });
    await expect(runs.start(plan)).rejects.toMatchObject({ code: 'run.paused' });
    const abort = { reason: 'enough' };
    await expect(runs.resume(undefined, { abort })).rejects.toMatchObject({ code: 'run.failed' });
    const skip = { step: 'b', reason: 'by hand' };
    expect(await runs.resume(undefined, { abort, skip })).toMatchObject({
      phase: 'aborted',
      stays: ['Do b (left as it is: by hand)'],
    });
    expect(scene.done).toEqual(['a', 'b', 'undo a']);
  });

  it.each([
    ['as-before', []],
    ['not-done', ['Do b (was begun, and was found not done; a part of it may be there)']],
  ] as const)(
    'undoes nothing of a step that is found %s, and says what stays',
    async (found, stays) => {
      const run = (id: string) => {
        if (id === 'b') throw new LifeboatError('ground.failed', 'no');
      };
      const { runs } = runsWith({
        engine: scene.engine,
        place: scene.place(),
        script: { ...scene.log, run, probe: () => found },
      });
      await expect(runs.start(three)).rejects.toMatchObject({ code: 'run.failed' });
      const state = await runs.resume(undefined, { abort: { reason: 'enough' } });
      expect(scene.done).toEqual(['undo a']);
      expect(state).toMatchObject({ phase: 'aborted', stays });
    },
  );

  it('names what has no undo when it is given up', async () => {
    const { undo: _, ...kind } = scriptedKind(scene.log);
    const undo = 'a restore of the safety snapshot, by hand';
    const plan = planOf([{ id: 'z', undo }, { id: 'a' }, { id: 'b', approval: approvalOf() }]);
    const { runs } = runsWith({
      engine: scene.engine,
      place: scene.place(),
      kinds: async () => kind,
    });
    await expect(runs.start(plan)).rejects.toMatchObject({ code: 'run.paused' });
    const state = await runs.resume(undefined, { abort: { reason: 'enough' } });
    // In the words of the plan.
    expect(state.stays).toEqual([`Do z (not undone by itself: ${undo})`, 'Do a (has no undo)']);
  });

  it('goes on by a repository that vanishes midway, and tells', async () => {
    let isGone = false;
    const repository = scene.stored.open();
    const flaky = {
      records: {
        list: () => repository.records.list({ kind: 'run' }),
        append: async (record: Parameters<typeof repository.records.append>[0]) => {
          if (isGone) throw new LifeboatError('location.unreachable', 'gone');
          return await repository.records.append(record);
        },
      },
    };
    const warnings: string[] = [];
    const { runs } = runsWith({
      engine: scene.engine,
      place: scene.place({
        repositories: {
          main: flaky,
          other: () => Promise.reject(new LifeboatError('location.refused', 'no')),
        },
      }),
      script: {
        run(id) {
          isGone = id === 'a' || (isGone && id === 'b');
        },
      },
      progress: (event) => event.type === 'warning' && warnings.push(event.message),
    });
    const { run, phase } = await runs.start(three);
    expect(phase).toBe('done');
    expect(warnings.filter((each) => each.includes('repository main'))).toHaveLength(1);
    expect(warnings.at(-1)).toBe('the journal of the run is not whole in other');
    const records = await scene.stored.open().records.list({ kind: 'run' });
    const kept = records.filter(({ body }) => (body as { type: string }).type === 'entry');
    expect(kept).toHaveLength((await scene.engine.entries(run)).length);
  });
});

describe('another host', () => {
  const begin = async () => {
    const { runs } = runsWith({
      engine: scene.engine,
      place: scene.place({ host: 'first' }),
      script: {
        run(id) {
          scene.done.push(id);
          if (id === 'b') throw new LifeboatError('postgres.connection-lost', 'broke');
        },
      },
    });
    await expect(runs.start(three)).rejects.toMatchObject({ code: 'run.failed' });
  };

  it('goes on from the repository alone, once its commands were allowed there', async () => {
    await begin();
    const other = `${scene.stateFolder}-other`;
    await using otherEngine = await openSqliteEngine(engineFile(other));
    const options = {
      engine: otherEngine,
      place: scene.place({ stateFolder: other, host: 'second' }),
    };
    const script = {
      ...scene.log,
      probe: (id: string) => (scene.done.includes(id) ? 'done' : 'not-done') as 'done',
    };
    await expect(runsWith({ ...options, script }).runs.resume('INC-1')).rejects.toMatchObject({
      code: 'run.paused',
      message: expect.stringContaining('not allowed on second'),
    });
    const shown: string[] = [];
    const desk: RunDesk = async (question) => {
      if (question.kind !== 'host') return undefined;
      shown.push(...question.steps.map(({ id }) => id));
      return { answer: 'allow', typed: question.host };
    };
    const state = await runsWith({ ...options, script, desk }).runs.resume('INC-1');
    expect(state.phase).toBe('done');
    expect(shown).toEqual(['b', 'c']);
    expect(scene.done).toEqual(['a', 'b', 'c']);
    rmSync(other, { recursive: true });
  });

  it('ends a run that was taken from it, before anything more is changed', async () => {
    const { runs } = runsWith({
      engine: scene.engine,
      place: scene.place(),
      script: {
        async run(id) {
          scene.done.push(id);
          if (id !== 'a') return;
          const { run } = await runs.find(undefined);
          const { id: previous, ...last } = (await scene.engine.entries(run)).at(-1) as RunEntry;
          const entry = sealEntry({
            ...last,
            sequence: last.sequence + 1,
            epoch: last.epoch + 1,
            previous,
            actor: 'bob',
            host: 'second',
            body: { type: 'paused', reason: 'taken over there' },
          });
          await scene.stored
            .open()
            .records.append({ kind: 'run', source: '', body: { type: 'entry', entry } });
        },
      },
    });
    await expect(runs.start(three)).rejects.toMatchObject({
      code: 'run.lease-lost',
      message: expect.stringContaining('bob on second'),
    });
    expect(scene.done).toEqual(['a']);
  });
});
