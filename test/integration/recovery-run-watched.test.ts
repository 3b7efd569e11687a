import { describe, expect, it } from 'vitest';
import { sleep } from '../../src/core/index.ts';
import { planOf, runsWith } from '../support/recovery-run.ts';
import { runScene } from '../support/run-scene.ts';

const scene = runScene();
describe('a run that watches', () => {
  const plan = planOf([
    { id: 'a' },
    { id: 'watch', kind: 'watch', isDestructive: false },
    { id: 'c' },
  ]);
  const begin = () => {
    const watching = Promise.withResolvers<void>();
    const script = {
      ...scene.log,
      async run(id: string, { signal }: { signal: AbortSignal }) {
        scene.done.push(id);
        if (id !== 'watch' || scene.done.filter((each) => each === id).length > 1) return;
        watching.resolve();
        await sleep(600_000, signal);
      },
    };
    const { runs, events } = runsWith({ engine: scene.engine, place: scene.place(), script });
    return {
      runs,
      events,
      ended: runs.start(plan).catch((error) => error),
      watching: watching.promise,
    };
  };

  it('is given up at once when somebody asks for it elsewhere, and says who did', async () => {
    const { runs, events, ended, watching } = begin();
    await watching;
    await runs.say((await runs.find(undefined)).run, { type: 'abort', reason: 'wrong moment' });
    expect(await ended).toMatchObject({
      phase: 'aborted',
      steps: {
        watch: { error: { code: 'cancelled', message: expect.stringContaining('wrong moment') } },
      },
    });
    expect(scene.done).toEqual(['a', 'watch', 'undo a']);
    const told = events.map(({ type }) => type);
    expect(told.indexOf('step-failed')).toBeLessThan(told.indexOf('aborting'));
  });

  it('pauses at once when somebody asks for it elsewhere, and watches again when it goes on', async () => {
    const { runs, ended, watching } = begin();
    await watching;
    await runs.say((await runs.find(undefined)).run, { type: 'pause', reason: 'lunch' });
    expect(await ended).toMatchObject({
      code: 'run.paused',
      message: expect.stringContaining('lunch'),
    });
    expect((await runs.find(undefined)).phase).toBe('paused');
    expect((await runs.resume(undefined)).phase).toBe('done');
    expect(scene.done).toEqual(['a', 'watch', 'watch', 'c']);
  });
});
