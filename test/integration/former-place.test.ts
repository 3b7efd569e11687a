// A recovery to a new place on a real server: what nobody pointed there is kept out of the former one, until the run is given up, and for good once that
// is let go of.
import { mkdirSync, writeFileSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { describeRunEvent } from '../../src/cli/output/run-text.ts';
import { createStyle } from '../../src/cli/output/style.ts';
import type { FreezeItem } from '../../src/recovery/freeze/freeze-record.ts';
import { freezeStore } from '../../src/recovery/freeze/freeze-store.ts';
import {
  frozenSources,
  isFrozen,
  keptOutBy,
  type RunDesk,
  sealPlan,
} from '../../src/recovery/index.ts';
import {
  commandsOf,
  fileService,
  rightsOf,
  runs,
  setRunning,
  takeCalls,
} from '../support/freeze-scene.ts';
import { installation } from '../support/installation.ts';
import { type MemoryRepository, memoryRepository } from '../support/memory-repository.ts';
import { startPostgres } from '../support/postgres.ts';
import { approvalOf, planOf } from '../support/recovery-run.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { type DatabaseWorld, databaseWorld } from '../support/step-failures/database-world.ts';
import { FailureScene } from '../support/step-failures/failure-scene.ts';

const [subject] = serversUnderTest(15);
const source = 'database';
const somebody: RunDesk = async (question) => {
  if (question.kind !== 'approval') return { answer: 'run-again' };
  return { answer: 'allow', typed: question.approval.typed ?? '' };
};
const nobody: RunDesk = async () => undefined;
let world: DatabaseWorld;
let journal: MemoryRepository;
let scene: FailureScene;

beforeAll(async () => {
  journal = await memoryRepository();
  if (subject?.bin) world = await databaseWorld(subject.bin, subject.major);
});
afterAll(() => world?.[Symbol.asyncDispose]());

beforeEach(async (context) => {
  need(context, subject?.bin, 'PostgreSQL 15 is not installed');
  await world.reset();
  const { repository, repositoryFolder: folder } = world;
  const stored = { repository, folder };
  scene = new FailureScene({ journal, repository: stored, database: world, context });
  setRunning(scene.folder, 'api', 'worker', 'mailer', 'other');
  mkdirSync(scene.at('ground'));
  writeFileSync(scene.at('place'), 'former\n');
  return () => scene[Symbol.asyncDispose]();
});

function yaml(): string {
  const point = scene.script('point', 'echo new > place');
  const back = scene.script('back', 'echo former > place');
  const isDone = scene.script('points', 'grep -qx new place');
  const pointed = `, switch: { command: [${point}], undo: [${back}], isDone: [${isDone}] }`;
  const services = [
    fileService(scene.folder, 'api', `, writes: [database]${pointed}`),
    fileService(scene.folder, 'worker', ', writes: [database]'),
    fileService(scene.folder, 'mailer', ', after: [worker]'),
    fileService(scene.folder, 'other', ', after: [api]'),
  ];
  return `sources: { database: { kind: postgres, connection: "${world.url()}", programs: ${world.programs}, ground: { kind: folder, folder: ${scene.at('ground')} } } }
services:
${services.join('')}`;
}

/** As `new-server` plans it, from the freeze on; the worker is pointed by a person. */
function plan() {
  const services = ['mailer', 'other', 'worker', 'api'];
  const pointedBy = { point: ['api'], 'by-hand': ['worker'] };
  const target = { kind: 'lsn', lsn: world.commitLsn, inclusive: false };
  const { id: _, ...content } = planOf(
    [
      { id: 'freeze', kind: 'freeze', input: { services, sources: [source], maintenance: false } },
      { id: 'restore', kind: 'restore', input: { source, target } },
      { id: 'deliver', kind: 'deliver', input: { source, of: 'restore' } },
      { id: 'swap', kind: 'swap', input: { source, of: 'deliver' } },
      { id: 'point', kind: 'point-services', input: { source, of: 'deliver', services: ['api'] } },
      {
        id: 'by-hand',
        kind: 'manual',
        input: { instruction: 'point it', typed: 'pointed' },
        approval: approvalOf({ typed: 'pointed' }),
      },
      {
        id: 'thaw',
        kind: 'thaw',
        input: { of: 'freeze', moved: { sources: [source], pointedBy } },
      },
      {
        id: 'settle',
        kind: 'settle',
        input: { source, of: 'swap', afterMs: 3_600_000, closed: 'freeze' },
      },
    ],
    { method: 'new-server' },
  );
  return sealPlan(content);
}

/** A program that nobody thought of. */
async function cronJob(): Promise<string> {
  const client = new pg.Client(`postgres://app@127.0.0.1:${world.server.port}/shop`);
  try {
    await client.connect();
    await client.query(`insert into customers values (1001, 'written where nothing is kept')`);
    return 'wrote';
  } catch (error) {
    return (error as { code: string }).code;
  } finally {
    await client.end().catch(() => {});
  }
}

const whatRuns = () =>
  ['api', 'worker', 'mailer', 'other'].filter((name) => runs(scene.folder, name));
const frozen = async () =>
  await frozenSources({ stateFolder: scene.at('state'), tooLongMs: 0, now: new Date() });

/** Up to where it has recovered; the step of the person is left out. */
async function recovered() {
  const first = await scene.runs(yaml(), nobody);
  const failure = await first.start(plan()).catch((error) => error);
  expect(failure.message, failure.stack).toContain('Do by-hand');
  const skip = { step: 'by-hand', reason: 'nobody knows where it stands' };
  const state = await (await scene.runs(yaml(), nobody)).resume('INC-1', { skip });
  expect([state.phase, state.steps.settle?.phase], state.reason).toEqual(['paused', 'waiting']);
  return state;
}

it('stays closed to whoever was not pointed, and is told', async () => {
  const before = await rightsOf(world.server);
  const state = await recovered();
  expect(whatRuns()).toEqual(['api', 'other']);
  expect(await cronJob()).toBe('42501');
  const text = describeRunEvent(
    { type: 'recovered', keptUntil: '2026-11-28T00:00:00.000Z', state },
    createStyle(process.stdout, { NO_COLOR: '1' }),
  );
  expect(text).toMatch(/Closed stays the former place: .*database shop of database/);
  expect(text).toMatch(/Stopped stays worker: .*thaw --freeze \S+ --only "service worker"/);
  expect(text).toContain('Stopped stays mailer');
  expect(await frozen()).toMatchObject([{ source, isFormer: true, isTooLong: false }]);

  // Given up it is exactly as it was before, and so is who uses it.
  const aborted = await (await scene.runs(yaml(), somebody)).resume('INC-1', {
    abort: { reason: 'the test' },
  });
  expect(aborted.phase).toBe('aborted');
  expect(await rightsOf(world.server)).toEqual(before);
  expect(whatRuns()).toEqual(['api', 'worker', 'mailer', 'other']);
  expect(scene.read('place')).toBe('former\n');
  expect(await frozen()).toEqual([]);
  expect(await cronJob()).toBe('wrote');
});

it('is let alone by a freeze where the source is by now, and opened once its address is back', async () => {
  const { bin = '', major = 15 } = subject ?? {};
  await using former = await startPostgres({ bin, major });
  await using present = await startPostgres({ bin, major });
  for (const server of [former, present]) await server.query('create database shop');
  await using place = await installation({ connection: former.url('shop') });
  const run = commandsOf(place);
  const before = [await rightsOf(former), await rightsOf(present)];
  expect((await run('freeze', '--yes', 'test')).exitCode).toBe(0);
  const closed = await rightsOf(former);
  // As the thaw of a recovery to a new server leaves it.
  const store = freezeStore(place.stateFolder);
  const [record] = await store.open();
  if (!record) throw new TypeError('there is no record of the freeze');
  const items = record.items.map((item) => ({ ...item, isFormer: true }) as FreezeItem);
  await store.save({ ...record, items, revision: record.revision + 1 });
  place.configure({ connection: present.url('shop') });

  const again = await run('freeze', '--yes', 'test');
  expect(again.exitCode, again.stdout).toBe(0);
  expect(await rightsOf(former)).toEqual(closed);
  expect(await rightsOf(present)).not.toEqual(before[1]);
  const half = await run('thaw', '--yes', 'test');
  expect(half.exitCode, half.stdout).toBe(3);
  expect(half.stdout).toContain('set it back first');
  expect(await rightsOf(present)).toEqual(before[1]);
  expect(await rightsOf(former)).toEqual(closed);
  place.configure({ connection: former.url('shop') });
  expect((await run('thaw', '--yes', 'test')).exitCode).toBe(0);
  expect(await rightsOf(former)).toEqual(before[0]);
});

// The last one: nothing opens that server again.
it('stays closed for good once it is let go of, and services that stand are still known', async () => {
  const former = await recovered();
  takeCalls(scene.folder);
  const state = await (await scene.runs(yaml(), nobody)).resume('INC-1', { letGo: true });
  expect(state.phase, state.reason).toBe('done');
  expect(state.steps.settle?.outcome?.text).toMatch(
    /database shop of database.* stays read-only and refuses connections/,
  );
  expect(await cronJob()).toBe('42501');
  expect(whatRuns()).toEqual(['api', 'other']);
  expect(takeCalls(scene.folder).filter((call) => call.startsWith('start'))).toEqual([]);
  expect(keptOutBy(state)).toEqual(keptOutBy(former));
  // Who stands can still be started by a thaw; no database is part of it.
  expect(await frozen()).toMatchObject([{ source, isFormer: false }]);
  const [record] = await freezeStore(scene.at('state')).open();
  expect(record?.items.filter(isFrozen).map(({ name }) => name)).toEqual([
    'service mailer',
    'service worker',
  ]);
});
