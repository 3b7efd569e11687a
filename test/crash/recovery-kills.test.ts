// kill -9 of `lifeboat recover` with real steps on a real server: right behind everything that it says, at random inside each step, and of the
// state folder of its host. It goes on, or is given up: in the end content, rights and services are as they should be, nothing destructive was done
// twice, and nothing is left over.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { canBeOtherHosts } from '../support/other-host.ts';
import { atBoundaries, insideSteps, nobody, seeded } from '../support/recovery-kills/killers.ts';
import { playRound, type Round } from '../support/recovery-kills/round.ts';
import {
  type Content,
  type KilledMethod,
  type KillScene,
  killScene,
} from '../support/recovery-kills/scene.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';

const [subject] = serversUnderTest(15);
const seed = Number(process.env.LIFEBOAT_SEED ?? 7);
const isSoak = process.env.LIFEBOAT_SOAK !== undefined;
const methods: readonly KilledMethod[] = isSoak
  ? ['point-in-time', 'rescue-rows']
  : ['point-in-time'];
let total = 0;

describe.each(methods)('%s', (method) => {
  let scene: KillScene;
  let before: unknown;
  let lasts: Readonly<Record<string, number>> = {};

  beforeEach((context) => void need(context, subject?.bin, 'PostgreSQL 15 is not installed'));
  beforeAll(async () => {
    if (!subject?.bin) return;
    scene = await killScene(subject, method);
    before = await scene.facts();
  });
  afterAll(async () => {
    console.log(`${total} kills until the end of ${method}`);
    await scene?.[Symbol.asyncDispose]();
  });

  /** All is as it should be after the end of a run. */
  async function expectRecovered({ run, lines, kills, hostsLost }: Round): Promise<void> {
    total += kills;
    expect(await scene.content()).toEqual(scene.recovered);
    const { rights, services } = (await scene.facts()) as Record<string, unknown>;
    expect({ rights, services }).toEqual({
      rights: (before as Record<string, unknown>).rights,
      services: { db: 'up', writer: 'up', job: 'down' },
    });
    if (method === 'point-in-time') expect(scene.done()).toEqual(['did migrate', 'did flush']);
    const { records } = await scene.place.run('recover', '--status', run);
    const { phase, steps, plan } = records[0] as unknown as {
      phase: string;
      plan: { steps: readonly { id: string; isDestructive: boolean }[] };
      steps: Record<string, { phase: string }>;
    };
    expect(phase).toBe('done');
    for (const [id, { phase }] of Object.entries(steps)) expect(phase, id).toBe('done');
    // What was restored on a host that is lost is restored again, and looked at again; nothing that changes anything in use is.
    const isOnce = ({ isDestructive }: { isDestructive: boolean }) =>
      hostsLost === 0 || isDestructive;
    const once = plan.steps.filter(isOnce).map(({ id }) => id);
    const done = lines
      .filter(({ type, step }) => type === 'run-step-done' && once.includes(String(step)))
      .map(({ step }) => step);
    expect(done.length).toBeGreaterThan(0);
    expect(new Set(done).size, done.join()).toBe(done.length);
    expect(scene.leftovers()).toEqual([]);
  }

  async function expectUndone({ kills, phase, run }: Round): Promise<void> {
    total += kills;
    expect(phase).toBe('aborted');
    const { records } = await scene.place.run('recover', '--status', run);
    const { stays } = records[0] as unknown as { stays: readonly string[] };
    // Nothing else is said to be other than before: a command that may have done a part, and where what was written since is.
    const known =
      /^(migrate|flush) \(was|database .* could not be kept|written to database since|former timeline|^Put back what .* destroyed/;
    expect(stays.filter((each) => !known.test(each))).toEqual([]);
    await expectAsBefore(stays);
    for (const name of ['migrate', 'flush']) {
      expect(existsSync(join(scene.place.folder, 'effects', name)), name).toBe(false);
      expect(scene.done().filter((line) => line === `did ${name}`).length).toBeLessThan(2);
    }
    expect(scene.leftovers()).toEqual([]);
  }

  /** Rows that were put back have no undo: all of them are there, and that is said, or none. */
  async function expectAsBefore(stays: readonly string[]): Promise<void> {
    const { orders, ...facts } = (await scene.facts()) as Content;
    const { orders: lost, ...others } = before as Content;
    expect(facts).toEqual(others);
    if (method === 'point-in-time' || orders.length === lost.length) {
      expect(orders).toEqual(lost);
    } else {
      expect(orders).toEqual(scene.recovered.orders);
      expect(stays.join()).toContain('Put back what');
    }
  }

  it.runIf(isSoak)('undisturbed, to know how long each step takes', async () => {
    await scene.reset();
    const round = await playRound({ scene, killer: nobody });
    lasts = Object.fromEntries(
      round.lines
        .filter(({ type }) => type === 'run-step-done')
        .map(({ step, durationMs }) => [String(step), Number(durationMs)]),
    );
    await expectRecovered(round);
  });

  it('goes on behind each kill at a boundary', async () => {
    await scene.reset();
    const every = method === 'rescue-rows' ? 2 : isSoak ? 1 : 3;
    const round = await playRound({ scene, killer: atBoundaries(every, seed) });
    expect(round.kills).toBeGreaterThan(8);
    await expectRecovered(round);
  });

  it.runIf(isSoak)('goes on behind kills inside steps', async () => {
    await scene.reset();
    const killer = insideSteps(seeded(seed * 100), lasts, 2);
    await expectRecovered(await playRound({ scene, killer }));
  });

  it.runIf(isSoak)('goes on elsewhere when the state of its host is lost', async (context) => {
    need(context, canBeOtherHosts, 'no namespaces to be another host in');
    for (const round of [1, 2]) {
      await scene.reset();
      const random = seeded(seed * 100 + round);
      const killer = round === 1 ? atBoundaries(3, seed) : insideSteps(random, lasts, 1);
      const losesHost = () => random() < 0.5;
      await expectRecovered(await playRound({ scene, killer, losesHost }));
    }
  });

  it.runIf(isSoak)('is undone from anywhere', async () => {
    for (let round = 10; round < 16; round++) {
      await scene.reset();
      const random = seeded(seed * 100 + round);
      const abortAfter = 1 + Math.floor(random() * (method === 'point-in-time' ? 14 : 8));
      const killer = insideSteps(random, lasts, 1);
      const ended = await playRound({ scene, killer, abortAfter });
      await (ended.phase === 'done' ? expectRecovered(ended) : expectUndone(ended));
    }
  });
});

it.runIf(isSoak)('has killed at least 100 times', (context) => {
  need(context, subject?.bin, 'PostgreSQL 15 is not installed');
  expect(total).toBeGreaterThanOrEqual(100);
});
