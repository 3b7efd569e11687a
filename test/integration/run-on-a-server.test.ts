// A run of real steps on a real server and real services: frozen, assessed, rescued, restored beside, tried by its service, put in place, its
// services pointed there. Given up then, all is as it was, right for right; gone on with, services run again as they did.
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RunDesk, sealPlan } from '../../src/recovery/index.ts';
import { fileService, rightsOf, runs, setRunning, takeCalls } from '../support/freeze-scene.ts';
import { type MemoryRepository, memoryRepository } from '../support/memory-repository.ts';
import { freePort } from '../support/postgres.ts';
import { planOf } from '../support/recovery-run.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { type DatabaseWorld, databaseWorld } from '../support/step-failures/database-world.ts';
import { FailureScene } from '../support/step-failures/failure-scene.ts';

const [subject] = serversUnderTest(15);
const source = 'database';
const nobody: RunDesk = async () => undefined;
/** Whoever is asked has looked, and gives up what was written to the restored data: nobody was let in yet. */
const somebody: RunDesk = async (question) => {
  if (question.kind !== 'approval') return { answer: 'run-again' };
  return { answer: 'allow', typed: question.approval.typed ?? '' };
};
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
  scene = new FailureScene({
    journal,
    repository: { repository, folder },
    database: world,
    context,
    ports: [await freePort()],
  });
  setRunning(scene.folder, 'api', 'worker');
  mkdirSync(scene.at('ground'));
  writeFileSync(scene.at('ground/former'), '');
  writeFileSync(scene.at('place'), 'former\n');
  return () => scene[Symbol.asyncDispose]();
});

/** A web service that writes to its database as it starts, and says how many rows there are. */
function testMode(): string {
  const psql = `${world.programs}/psql -h "$LIFEBOAT_HOST" -p "$LIFEBOAT_PORT" -d "$LIFEBOAT_DATABASE" -U postgres -At`;
  const start = scene.script(
    'try',
    `mkdir -p www; ${psql} -c "insert into customers values (2000, 'tried'); select count(*) from customers" > www/count || exit 1
busybox httpd -f -p 127.0.0.1:$LIFEBOAT_TEST_PORT -h www &
echo $! > try.pid`,
  );
  const stop = scene.script('end-try', 'kill $(cat try.pid); rm try.pid');
  const [port] = scene.ports;
  return `, test: { start: [${start}], stop: [${stop}], port: ${port}, checks: [{ http: "http://127.0.0.1:${port}/count", contains: "501" }] }`;
}

function yaml(): string {
  const point = scene.script('point', 'echo "$LIFEBOAT_FOLDER" > place');
  const back = scene.script('back', 'echo former > place');
  const isDone = scene.script('points', 'grep -qx "$LIFEBOAT_FOLDER" place');
  const pointed = `, switch: { command: [${point}], undo: [${back}], isDone: [${isDone}] }`;
  const services = [
    fileService(scene.folder, 'api', `, writes: [database]${pointed}${testMode()}`),
    fileService(scene.folder, 'worker', ', after: [api], writes: [database]'),
    // It was stopped before.
    fileService(scene.folder, 'idle', ', after: [api], writes: [database]'),
  ];
  return `sources: { database: { kind: postgres, connection: "${world.url()}", programs: ${world.programs}, ground: { kind: folder, folder: ${scene.at('ground')} } } }
services:
${services.join('')}recovery: { after: [{ name: migrate, command: [${scene.script('migrate', 'exit 0', 'exit 1')}] }] }`;
}

async function plan() {
  const { xid, commitLsn } = world;
  const { rows } = await world.server.query(
    'select system_identifier::text as id from pg_control_system()',
  );
  const places = { 'server of database': { text: 'the server', fingerprint: rows[0].id } };
  const target = { kind: 'lsn', lsn: commitLsn, inclusive: false };
  const services = ['api', 'worker', 'idle'];
  const looks = { isDestructive: false };
  const { id: _, ...content } = planOf(
    [
      { id: 'identify', kind: 'identify', input: { places }, ...looks },
      { id: 'freeze', kind: 'freeze', input: { services, sources: [source], maintenance: false } },
      { id: 'assess', kind: 'assess', input: { sources: [source] }, ...looks },
      { id: 'rescue', kind: 'rescue-rows', input: { source, xid, commitLsn, database: 'shop' } },
      { id: 'restore', kind: 'restore', input: { source, target }, ...looks },
      {
        id: 'try',
        kind: 'test-services',
        input: { source, of: 'restore', services: ['api'] },
        ...looks,
      },
      { id: 'deliver', kind: 'deliver', input: { source, of: 'restore' }, ...looks },
      { id: 'swap', kind: 'swap', input: { source, of: 'deliver' } },
      { id: 'point', kind: 'point-services', input: { source, of: 'deliver', services: ['api'] } },
      { id: 'migrate', kind: 'command', input: { name: 'migrate' } },
      { id: 'thaw', kind: 'thaw', input: { of: 'freeze' } },
      { id: 'restart', kind: 'restart', input: { service: 'worker' } },
      { id: 'watch', kind: 'watch', input: { services, sources: [], durationMs: 1 }, ...looks },
    ],
    { places },
  );
  return sealPlan({
    ...content,
    // One that was stopped before is not watched.
    steps: content.steps.map((step) =>
      step.id === 'watch'
        ? { ...step, input: { ...step.input, services: ['api', 'worker'] } }
        : step,
    ),
  });
}

const whatRuns = () => ['api', 'worker', 'idle'].filter((name) => runs(scene.folder, name));
const count = async () =>
  (await world.server.query('select count(*)::int as n from customers', 'shop')).rows[0].n;

/** Up to the step that fails. */
async function half() {
  const before = await rightsOf(world.server);
  const first = await scene.runs(yaml(), nobody);
  const failure = await first.start(await plan()).catch((error) => error);
  expect(failure.context, `${failure.message} ${failure.cause?.stack}`).toMatchObject({
    step: 'migrate',
  });
  expect(whatRuns()).toEqual([]);
  expect(await rightsOf(world.server)).not.toEqual(before);
  expect(scene.read('place')).toBe(`${scene.at('ground')}\n`);
  expect(existsSync(scene.at('ground/PG_VERSION'))).toBe(true);
  const { steps } = await first.find('INC-1');
  expect(steps).toMatchObject({
    freeze: { phase: 'done' },
    assess: { phase: 'done', outcome: { evidence: { verdict: expect.any(String) } } },
    try: { phase: 'done' },
  });
  return before;
}

describe('a run on a real server', () => {
  it('given up puts back rights, limits, services, data and where they point', async () => {
    const before = await half();
    const again = await scene.runs(yaml(), somebody);
    const state = await again.resume('INC-1', { abort: { reason: 'the test' } });
    expect(state.phase).toBe('aborted');
    expect(await rightsOf(world.server)).toEqual(before);
    expect(whatRuns()).toEqual(['api', 'worker']);
    expect(takeCalls(scene.folder).filter((call) => call.endsWith('idle'))).toEqual([]);
    expect(readdirSync(scene.at('ground'))).toEqual(['former']);
    expect(scene.read('place')).toBe('former\n');
    // Rows that were put back stay: that is said, and is what people want.
    expect(state.stays?.join()).toContain('Do rescue');
    expect(await count()).toBe(501);
  });

  it('gone on with ends with services that run as they did', async () => {
    const before = await half();
    scene.mend();
    const again = await scene.runs(yaml(), somebody);
    const state = await again.resume('INC-1');
    expect(state.phase).toBe('done');
    expect(await rightsOf(world.server)).toEqual(before);
    expect(whatRuns()).toEqual(['api', 'worker']);
    const calls = takeCalls(scene.folder);
    expect(calls.filter((call) => call === 'start worker')).toHaveLength(2);
    expect(calls.filter((call) => call === 'start api')).toHaveLength(1);
    expect(await count()).toBe(501);
    // What a service wrote while it was tried is nowhere.
    expect(state.steps.try?.outcome?.text).toContain('api worked in test mode');
    expect(existsSync(scene.at('ground/PG_VERSION'))).toBe(true);
  });

  it('assesses what it can, and names a server that it cannot reach', async () => {
    world.relay.break('cut');
    const { id: _, ...content } = planOf([
      { id: 'assess', kind: 'assess', input: { sources: [source] }, isDestructive: false },
    ]);
    const state = await (await scene.runs(yaml(), nobody)).start(sealPlan(content));
    const { evidence } = state.steps.assess?.outcome ?? {};
    expect(JSON.stringify(evidence)).toMatch(/could not connect|cannot be reached|does not answer/);
  });
});
