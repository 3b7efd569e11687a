import { describe, expect, it, vi } from 'vitest';
import type { RecoveryFile } from '../../src/config/index.ts';
import { LifeboatError } from '../../src/core/index.ts';
import {
  approvalWanted,
  type RunDesk,
  type RunState,
  type Step,
} from '../../src/recovery/index.ts';
import { approvalOf, planOf, runsWith, scriptedKind } from '../support/recovery-run.ts';
import { runScene } from '../support/run-scene.ts';

const scene = runScene();

describe('a run that is in use is given up', () => {
  const plan = planOf([
    { id: 'swap-shop', kind: 'swap', input: { id: 'swap-shop', source: 'shop' } },
    { id: 'start-shop' },
    { id: 'thaw', kind: 'thaw' },
    { id: 'settle', kind: 'settle', approval: approvalOf() },
  ]);
  const kindsWith = (keep: () => void) => async (name: string) => {
    const scripted = scriptedKind(scene.log);
    if (name !== 'safety-snapshot') return scripted;
    return {
      ...scripted,
      async run() {
        keep();
        scene.done.push('keep');
        return { text: 'stored', result: { snapshot: 'abcdef0123456789' }, evidence: {} };
      },
    };
  };

  it('once what was written since is stored, while its server runs and nobody writes', async () => {
    const { runs } = runsWith({
      engine: scene.engine,
      place: scene.place(),
      kinds: kindsWith(() => {}),
    });
    await expect(runs.start(plan)).rejects.toMatchObject({ code: 'run.paused' });
    const state = await runs.resume(undefined, { abort: { reason: 'enough' } });
    expect(scene.done.slice(3)).toEqual(['undo thaw', 'keep', 'undo start-shop', 'undo swap-shop']);
    expect(state.stays?.join()).toContain('written to shop since is in snapshot abcdef01');
  });

  it('and says where it is stored, also when an undo after that had to be tried again', async () => {
    let breaks = true;
    const kinds = async (name: string) => {
      const kind = await kindsWith(() => {})(name);
      if (name !== 'swap') return kind;
      const undo = async () => {
        if (breaks) throw new LifeboatError('ground.failed', 'stuck');
        return 'put back';
      };
      return { ...kind, undo };
    };
    const { runs } = runsWith({ engine: scene.engine, place: scene.place(), kinds });
    await expect(runs.start(plan)).rejects.toMatchObject({ code: 'run.paused' });
    const abort = { reason: 'enough' };
    await expect(runs.resume(undefined, { abort })).rejects.toMatchObject({ code: 'run.failed' });
    breaks = false;
    const state = await runs.resume(undefined, { abort });
    expect(scene.done.filter((each) => each === 'keep')).toHaveLength(1);
    expect(state.stays?.join()).toContain('written to shop since is in snapshot abcdef01');
  });

  it('not where it cannot be stored, until a person gives it up', async () => {
    const kinds = kindsWith(() => {
      throw new LifeboatError('location.unreachable', 'gone');
    });
    const { runs } = runsWith({ engine: scene.engine, place: scene.place(), kinds });
    await expect(runs.start(plan)).rejects.toMatchObject({ code: 'run.paused' });
    const abort = { reason: 'enough' };
    const refused = await runs.resume(undefined, { abort }).catch((error) => error);
    expect(refused).toMatchObject({ code: 'run.failed' });
    expect(refused.hint).toContain('--yes give-up-writes-to-shop');
    expect(scene.done.slice(3)).toEqual(['undo thaw']);
    // What allows the swap does not give up what was written since.
    const of =
      (typed: string): RunDesk =>
      async () => ({ answer: 'allow', typed });
    const swapping = runsWith({
      engine: scene.engine,
      place: scene.place(),
      kinds,
      desk: of('shop'),
    });
    await expect(swapping.runs.resume(undefined, { abort })).rejects.toMatchObject({
      code: 'run.failed',
    });
    expect(scene.done.slice(4)).toEqual([]);
    const desk = of('give-up-writes-to-shop');
    const allowing = runsWith({ engine: scene.engine, place: scene.place(), kinds, desk });
    const state = await allowing.runs.resume(undefined, { abort });
    expect(state.steps['swap-shop']?.lossApprovals).toMatchObject([{ person: 'alice' }]);
    expect(state.stays?.join()).toContain('written to shop since was given up');
    expect(scene.done.slice(4)).toEqual(['undo start-shop', 'undo swap-shop']);
  });

  it.each([
    { twoPersons: false, says: ['carol'] },
    { twoPersons: true, says: ['carol', 'bob', 'carol', 'dave'] },
  ])('and only those who may give it up (two of them: $twoPersons)', async (each) => {
    const kinds = kindsWith(() => {
      throw new LifeboatError('location.unreachable', 'gone');
    });
    const pauses: RunDesk = async () => ({ answer: 'pause' });
    const recovery: RecoveryFile = {
      people: {
        alice: { may: ['execute'] },
        bob: { may: ['execute'] },
        carol: { may: ['execute', 'accept-data-loss'] },
        dave: { may: ['execute', 'accept-data-loss'] },
      },
      ...(each.twoPersons ? { twoPersons: ['accept-data-loss'] } : {}),
    };
    const as = (actor: string) => ({ ...scene.place(), actor, recovery });
    await expect(
      runsWith({ engine: scene.engine, place: as('alice'), kinds, desk: pauses }).runs.start(plan),
    ).rejects.toMatchObject({ code: 'run.paused' });
    const typed = 'give-up-writes-to-shop';
    const asked: string[] = [];
    const desk: RunDesk = async ({ kind }) => {
      asked.push(kind);
      return { answer: 'allow', typed };
    };
    const { runs, events, told } = runsWith({
      engine: scene.engine,
      place: as('alice'),
      kinds,
      desk,
    });
    const ending = runs.resume(undefined, { abort: { reason: 'enough' } });
    const { run } = await runs.find(undefined);
    const seen = (type: string) => events.filter((event) => event.type === type).length;
    await vi.waitFor(() => expect(seen('approval-wanted')).toBeGreaterThan(0));
    for (const [at, actor] of each.says.entries()) {
      const counted = () => seen('approved') + seen('approval-ignored');
      const other = runsWith({ engine: scene.engine, place: as(actor), kinds }).runs;
      const waiting = (await other.find(run)) as RunState;
      const swap = waiting.plan.steps[0] as Step;
      expect(approvalWanted(waiting, swap)).toMatchObject({
        typed,
        authority: 'accept-data-loss',
      });
      await other.say(run, { type: 'approve', step: 'swap-shop', typed });
      await vi.waitFor(() => expect(counted()).toBe(at + 1));
    }
    const state = await ending;
    expect(asked).toEqual([]);
    const names = each.twoPersons ? ['carol', 'dave'] : ['carol'];
    expect(state.steps['swap-shop']?.lossApprovals?.map(({ person }) => person)).toEqual(names);
    expect(told).toContain(
      'carol allowed: Give up what was written to shop since it was recovered',
    );
  });

  it('not where nobody may give it up', async () => {
    const kinds = kindsWith(() => {
      throw new LifeboatError('location.unreachable', 'gone');
    });
    const recovery: RecoveryFile = { people: { alice: { may: ['execute'] } } };
    const { runs } = runsWith({
      engine: scene.engine,
      place: { ...scene.place(), recovery },
      kinds,
    });
    await expect(runs.start(plan)).rejects.toMatchObject({ code: 'run.paused' });
    const abort = { reason: 'enough' };
    await expect(runs.resume(undefined, { abort })).rejects.toMatchObject({
      code: 'run.failed',
      hint: expect.stringContaining('Nobody may give it up'),
    });
  });
});
