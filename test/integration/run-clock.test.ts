// The clock of the host is set while a run is under way: back by a day, forward by a year. Nothing of a run hangs on it.
import { rmSync, writeFileSync } from 'node:fs';
import {
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  type TestContext,
  vi,
} from 'vitest';
import { bootTime, sleep, steadyNow } from '../../src/core/index.ts';
import {
  clockOf,
  type Engine,
  openSqliteEngine,
  type RunDesk,
  type RunState,
  sealPlan,
} from '../../src/recovery/index.ts';
import { localRepository } from '../support/local-repository.ts';
import { type MemoryRepository, memoryRepository } from '../support/memory-repository.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { approvalOf, engineFile, planOf, runsWith } from '../support/recovery-run.ts';
import { need } from '../support/skip.ts';
import { FailureScene } from '../support/step-failures/failure-scene.ts';

const day = 86_400_000;
const jumps = [
  ['back by a day', -day],
  ['forward by a year', 365 * day],
] as const;

let stateFolder: string;
let template: MemoryRepository;
let engine: Engine;

beforeAll(async () => {
  template = await memoryRepository();
});
beforeEach(async () => {
  stateFolder = temporaryFolder('clock');
  engine = await openSqliteEngine(engineFile(stateFolder));
});
afterEach(async () => {
  vi.useRealTimers();
  await engine[Symbol.asyncDispose]();
  rmSync(stateFolder, { recursive: true, force: true });
});

const place = () => ({ stateFolder, repositories: { main: template.open() } });

/** Restored files put in place, and what they replaced let go of an hour later. */
async function swapAndWait(context: TestContext, byMs: number) {
  await using stored = await localRepository();
  await using scene = new FailureScene({ journal: template, repository: stored, context });
  const snapshot = await scene.backUpFiles();
  writeFileSync(scene.at('uploads/a'), 'former');
  const yaml = `sources: { uploads: { kind: files, paths: [${scene.at('uploads')}], ground: { kind: folder, folder: ${scene.at('uploads')} } } }`;
  const source = 'uploads';
  const { id: _, ...content } = planOf([
    {
      id: 'restore',
      kind: 'restore-files',
      input: { source, snapshot, into: 'run-folder', replace: 'changed' },
    },
    { id: 'deliver', kind: 'deliver', input: { source, of: 'restore' } },
    { id: 'swap', kind: 'swap', input: { source, of: 'deliver' } },
    { id: 'settle', kind: 'settle', input: { source, of: 'swap', afterMs: 3_600_000 } },
  ]);
  const nobody: RunDesk = async () => undefined;
  const runs = await scene.runs(yaml, nobody);
  expectToWait(await runs.start(sealPlan(content)));
  setClock(byMs);
  expectToWait(await runs.resume('INC-1'));
  const state = await runs.resume('INC-1', { abort: { reason: 'the test' } });
  expect([state.phase, scene.read('uploads/a')]).toEqual(['aborted', 'former']);
}

/** An hour is left, and no more. */
function expectToWait({ phase, reason, steps }: RunState): void {
  expect([phase, steps.settle?.phase]).toEqual(['paused', 'waiting']);
  const due = /is due at (\S+)/.exec(reason ?? '')?.[1] ?? '';
  const leftMs = Date.parse(due) - steadyNow().getTime();
  expect(leftMs).toBeGreaterThan(3_400_000);
  expect(leftMs).toBeLessThanOrEqual(3_600_000);
}

/** As `date --set` does: the timers of the system go on. */
function setClock(byMs: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + byMs });
}

describe.each(jumps)('a clock that is set %s', (_, byMs) => {
  it('neither ends a run nor its approval, and leaves its times in order', async () => {
    const recovery = {
      people: {
        alice: { may: ['execute'] as const },
        bob: { may: ['execute', 'accept-data-loss'] as const },
      },
    };
    const plan = planOf([
      { id: 'a' },
      { id: 'b', approval: approvalOf({ authority: 'accept-data-loss', timeoutMs: 60_000 }) },
      { id: 'c' },
    ]);
    const { runs, events } = runsWith({
      engine,
      place: { ...place(), recovery: recovery as never },
      script: {
        run: (id) => {
          if (id === 'a') setClock(byMs);
        },
      },
    });
    const going = runs.start(plan, { declaredAt: steadyNow(), objectiveMs: 3_600_000 });
    while (!events.some(({ type }) => type === 'approval-wanted')) await sleep(5);
    const bob = runsWith({
      engine,
      place: { ...place(), actor: 'bob', recovery: recovery as never },
    });
    const { run } = await bob.runs.find('INC-1');
    await bob.runs.say(run, { type: 'approve', step: 'b' });
    const state = await going;
    expect(state.phase).toBe('done');
    const times = (await engine.entries(run)).map(({ time }) => Date.parse(time));
    expect(times).toEqual(times.toSorted((one, other) => one - other));
    const { elapsedMs, leftMs } = clockOf(state, steadyNow());
    expect(elapsedMs).toBeLessThan(60_000);
    expect(leftMs).toBeGreaterThan(3_540_000);
  });

  it('lets go of what was replaced neither sooner nor later', async (context) => {
    need(context, bootTime(), 'this system does not tell how long it is up');
    await swapAndWait(context, byMs);
  });
});
