// A run that has recovered, and only keeps what it replaced, lets another begin over it. Runs that do something stay apart all the same.
import { rmSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LifeboatError } from '../../src/core/index.ts';
import { type Engine, openSqliteEngine } from '../../src/recovery/index.ts';
import { thisProcess } from '../../src/recovery/run/holder.ts';
import type { Repository } from '../../src/repository/index.ts';
import { memoryRepository } from '../support/memory-repository.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { engineFile, planOf, runsWith, type Script } from '../support/recovery-run.ts';

const plan = planOf([
  { id: 'stop', isDestructive: false },
  { id: 'swap', kind: 'swap', input: { id: 'swap', source: 'database' } },
  { id: 'settle', kind: 'settle', input: { id: 'settle', source: 'database', of: 'swap' } },
]);
const inAnHour = () => new Date(Date.now() + 3_600_000);

let stateFolder: string;
let engine: Engine;
let did: string[];
beforeEach(async () => {
  stateFolder = temporaryFolder('second-accident');
  engine = await openSqliteEngine(engineFile(stateFolder));
  did = [];
});
afterEach(async () => {
  await engine[Symbol.asyncDispose]();
  rmSync(stateFolder, { recursive: true, force: true });
});

const keeping: Script = {
  notBefore: (id) => (id === 'settle' ? inAnHour() : undefined),
  run(id, { token }) {
    // What was written since is kept before anything is undone: no step of the plan.
    if (id !== undefined) did.push(`${id} ${token}`);
  },
  undo: (id, { token }) => void did.push(`undo ${id} ${token}`),
};

function here(script: Script = {}, repositories: Record<string, Repository> = {}) {
  const place = { stateFolder, repositories };
  return runsWith({ engine, place, script: { ...keeping, ...script } });
}

it('begins over one that has recovered, which cannot be given up before it', async () => {
  const first = await here().runs.start(plan);
  const second = await here().runs.start(plan);
  expect([first.phase, second.phase]).toEqual(['paused', 'paused']);
  expect([first.over, second.over]).toEqual([[], [first.run]]);
  did = [];
  await expect(here().runs.resume(first.run, { abort: { reason: 'wrong' } })).rejects.toMatchObject(
    {
      code: 'usage.invalid',
      message: expect.stringContaining(`database was recovered over it by run ${second.run}`),
      hint: expect.stringContaining(`--abort ${second.run}`),
    },
  );
  // Said by another, it counts as little; the run goes on to keep.
  await here().runs.say(first.run, { type: 'abort', reason: 'wrong' });
  expect((await here().runs.resume(first.run)).phase).toBe('paused');
  expect(did).toEqual([]);
  const back = await here().runs.resume(second.run, { abort: { reason: 'wrong' } });
  expect(back.phase).toBe('aborted');
  // What was refused is not done later.
  expect((await here().runs.resume(first.run)).phase).toBe('paused');
  const { runs } = here();
  expect((await runs.resume(first.run, { abort: { reason: 'wrong' } })).phase).toBe('aborted');
  expect(did).toEqual([
    `undo swap ${second.run}`,
    `undo stop ${second.run}`,
    `undo swap ${first.run}`,
    `undo stop ${first.run}`,
  ]);
});

it.each([
  ['first', 'second'],
  ['second', 'first'],
] as const)('lets go of what the %s replaced, and then the %s', async (...order) => {
  const runs = {
    first: (await here().runs.start(plan)).run,
    second: (await here().runs.start(plan)).run,
  };
  did = [];
  for (const each of order) {
    const state = await here().runs.resume(runs[each], { letGo: true });
    expect(state.phase).toBe('done');
  }
  expect(did).toEqual(order.map((each) => `settle ${runs[each]}`));
});

it('what another has replaced and let go of leaves no way back behind it', async () => {
  const first = await here().runs.start(plan);
  const second = await here().runs.start(plan);
  await here().runs.resume(second.run, { letGo: true });
  did = [];
  await expect(here().runs.resume(first.run, { abort: { reason: 'wrong' } })).rejects.toMatchObject(
    {
      code: 'usage.invalid',
      message: expect.stringContaining('any more'),
      hint: expect.stringContaining(`--resume ${first.run}`),
    },
  );
  expect(did).toEqual([]);
  // One that changed rows in what is in place is no more than something written since.
  const third = await here().runs.start(planOf([{ id: 'rescue' }]));
  expect(third).toMatchObject({ phase: 'done', over: [first.run] });
  await here().runs.resume(first.run, { letGo: true });
});

it('stays apart from one that has more to do than to keep, and from one that is driven', async () => {
  const first = await here().runs.start(plan);
  const failing = here({
    async run(id) {
      // While it is driven nobody else may have what it changes.
      await expect(here().runs.start(plan)).rejects.toMatchObject({ code: 'run.busy' });
      await expect(here().runs.resume(first.run, { letGo: true })).rejects.toMatchObject({
        code: 'run.busy',
      });
      if (id === 'swap') throw new LifeboatError('ground.failed', 'no answer');
    },
  });
  const failed = await failing.runs.start(plan).catch((error) => error);
  expect(failed).toMatchObject({ code: 'run.failed' });
  const { run } = failed.context;
  for (const other of [here().runs.start(plan), here().runs.resume(first.run, { letGo: true })]) {
    await expect(other).rejects.toMatchObject({
      code: 'run.busy',
      context: expect.objectContaining({ run }),
    });
  }
  // Nobody has to say which: only one is under way.
  const aborting = here({ probe: () => 'continue' });
  expect((await aborting.runs.find(undefined)).run).toBe(run);
  await aborting.runs.resume(undefined, { abort: { reason: 'no' } });
  expect((await here().runs.resume(first.run, { letGo: true })).phase).toBe('done');
});

it('begins over one of another host, which only the repository knows', async () => {
  const repository = (await memoryRepository()).open();
  const folder = temporaryFolder('second-accident-other');
  const elsewhere = await openSqliteEngine(engineFile(folder));
  const other = () =>
    runsWith({
      engine: elsewhere,
      place: { stateFolder: folder, repositories: { main: repository }, host: 'other' },
      holder: { ...thisProcess('bob'), host: 'other', machine: 'boot of other' },
      script: keeping,
    });
  const first = await other().runs.start(plan);
  const second = await here({}, { main: repository }).runs.start(plan);
  expect(second).toMatchObject({ phase: 'paused', over: [first.run] });
  await expect(
    other().runs.resume(first.run, { abort: { reason: 'wrong' } }),
  ).rejects.toMatchObject({ code: 'usage.invalid' });
  expect((await other().runs.resume(first.run, { letGo: true })).phase).toBe('done');
  await elsewhere[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});
