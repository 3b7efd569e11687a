// Hosts that share nothing but a repository: whose freeze goes on where, and that what was before the first of them is never forgotten, whoever freezes
// again, and whoever thaws.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { LifeboatError } from '../../src/core/index.ts';
import { freezeStore } from '../../src/recovery/freeze/freeze-store.ts';
import {
  freeze,
  openSqliteEngine,
  type RecoveryRuns,
  type RunDesk,
  sendUnsent,
  stepKind,
} from '../../src/recovery/index.ts';
import { thisProcess } from '../../src/recovery/run/holder.ts';
import { freezeStep } from '../../src/recovery/steps/kinds/freeze.ts';
import { thawStep } from '../../src/recovery/steps/kinds/thaw.ts';
import { createSource, parseConnectionUrl } from '../../src/sources/index.ts';
import { FreezeHost, type SharedPlace } from '../support/freeze-hosts.ts';
import { fileService, rightsOf, runs, setRunning } from '../support/freeze-scene.ts';
import { memoryRepository } from '../support/memory-repository.ts';
import { startPostgres } from '../support/postgres.ts';
import {
  engineFile,
  planOf,
  runsWith,
  type Script,
  scriptedKind,
} from '../support/recovery-run.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';

const services = ['shop-api', 'shop-cron', 'crm-api', 'both'];
const shop = {
  services: ['shop-cron', 'shop-api'],
  sources: [],
  holds: ['shop'],
  maintenance: false,
};
let place: SharedPlace;
let one: FreezeHost;
let two: FreezeHost;
let three: FreezeHost;

beforeEach(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lifeboat-hosts-'));
  const names = ['shop', 'crm', 'mail', 'news'];
  for (const each of names) mkdirSync(join(folder, each));
  const yaml = `sources:
${names.map((each) => `  ${each}: { kind: files, paths: [${join(folder, each)}] }\n`).join('')}services:
${fileService(folder, 'shop-api', ', writes: [shop]')}${fileService(folder, 'shop-cron', ', writes: [shop]')}${fileService(folder, 'crm-api', ', writes: [crm]')}${fileService(folder, 'both', ', writes: [mail, news]')}`;
  const repository = (await memoryRepository()).open();
  const sources = Object.fromEntries(names.map((each) => [each, { kind: 'files' }])) as never;
  place = { folder, yaml, repository, sources };
  hosts();
  // What did not run before is not to run behind any thaw.
  setRunning(folder, 'shop-api', 'crm-api', 'both');
  return () => rmSync(folder, { recursive: true, force: true });
});

function hosts(): void {
  [one, two, three] = ['web-1', 'web-2', 'web-3'].map((name) => new FreezeHost(place, name)) as [
    FreezeHost,
    FreezeHost,
    FreezeHost,
  ];
}

const running = () => services.filter((name) => runs(place.folder, name));
const before = ['shop-api', 'crm-api', 'both'];

describe('a freeze of another host for other sources', () => {
  it('stays that host’s own, and is named', async () => {
    const first = await one.freeze('crm');
    const { record, notes } = await two.freeze('shop');
    expect(record.id).not.toBe(first.record.id);
    expect(record.sources).toEqual(['shop']);
    expect(record.items.map(({ name }) => name)).toEqual(['service shop-cron', 'service shop-api']);
    expect(notes).toEqual([
      `the freeze ${first.record.id} of the host web-1 is for other sources (crm) and stays as it is, as a repository has it`,
    ]);
    await two.thaw();
    expect(running()).toEqual(['shop-api', 'both']);
    expect(await one.frozen()).toEqual(['crm']);
    await one.thaw();
    expect(running()).toEqual(before);
  });

  it('is gone on with where a service is the same', async () => {
    await one.freeze('mail');
    const { record } = await two.freeze('news');
    const both = record.items.find(({ name }) => name === 'service both');
    expect(both).toMatchObject({ sources: ['mail', 'news'], former: { status: 'running' } });
    await two.thaw({ sources: ['news'] });
    expect(runs(place.folder, 'both')).toBe(false);
    await two.thaw();
    expect(running()).toEqual(before);
  });
});

const allow: RunDesk = async (question) =>
  question.kind === 'host' ? { answer: 'allow', typed: question.host } : undefined;

/** Runs of a host whose processes no other one can see: real freezes and thaws, and between them a step that a test scripts. */
async function runsOf(host: FreezeHost, script: Script = {}): Promise<RecoveryRuns> {
  const { surroundings } = host.world;
  const { host: name } = surroundings;
  mkdirSync(host.stateFolder, { recursive: true });
  const { runs } = runsWith({
    engine: await openSqliteEngine(engineFile(host.stateFolder)),
    place: { stateFolder: host.stateFolder, repositories: {} },
    surroundings,
    kinds: async (kind) => (kind === 'command' ? scriptedKind(script) : await stepKind(kind)),
    desk: allow,
    holder: { ...thisProcess(name), host: name, machine: `boot of ${name}` },
  });
  return runs;
}

const plan = planOf(
  [
    { id: 'freeze', kind: 'freeze', input: shop, isDestructive: false },
    { id: 'work' },
    { id: 'thaw', kind: 'thaw', input: { of: 'freeze' }, isDestructive: false },
  ],
  { sources: ['shop'] },
);
const fails: Script = {
  run() {
    throw new LifeboatError('platform.failed', 'no');
  },
};

describe('a run that another host has taken over', () => {
  it.each(['done', 'aborted'])(
    'brings back, once it is %s, what ran where it began, and leaves what this host has frozen',
    async (end) => {
      await two.freeze('crm');
      const failed = await (await runsOf(one, fails)).start(plan).catch((error) => error);
      expect(failed).toMatchObject({ code: 'run.failed' });
      expect(running()).toEqual(['both']);
      // Frozen anew meanwhile: what is seen now is not what was before.
      await two.freeze('shop', 'crm');
      await two.thaw({ sources: ['crm'] });
      const runs = await runsOf(two);
      const abort = end === 'aborted' ? { abort: { reason: 'enough' } } : {};
      const { phase } = await runs.resume(failed.context.run, { takeOver: 'web-1', ...abort });
      expect(phase).toBe(end);
      // By hand it was frozen behind the beginning of the run: that stands.
      expect(running()).toEqual(['crm-api', 'both']);
      await two.thaw();
      expect([running(), await two.frozen()]).toEqual([before, []]);
      await expect(one.thaw()).rejects.toMatchObject({ code: 'thaw.nothing' });
    },
  );

  it('goes on with its freeze, though this host has frozen something else', async () => {
    await two.freeze('crm');
    await freezeStep.run(shop, one.step('run-1'));
    const outcome = await freezeStep.run(shop, two.step('run-1'));
    const [record, ...others] = await two.open();
    expect(others).toEqual([]);
    expect(record?.holds).toMatchObject([{ source: 'crm' }, { source: 'shop', run: 'run-1' }]);
    await thawStep.run({ of: 'freeze' }, two.step('run-1', { freeze: outcome }));
    expect(running()).toEqual(['shop-api', 'both']);
    expect(await two.frozen()).toEqual(['crm']);
    await two.thaw();
    expect(running()).toEqual(before);
  });

  it('thaws, or gives up, what only the lost host had frozen', async () => {
    await two.freeze('crm');
    const first = await freezeStep.run(shop, one.step('run-1'));
    await thawStep.run({ of: 'freeze' }, two.step('run-1', { freeze: first }));
    expect(running()).toEqual(['shop-api', 'both']);
    const second = await freezeStep.run(shop, one.step('run-2'));
    await freezeStep.undo?.(shop, second, three.step('run-2'));
    expect(running()).toEqual(['shop-api', 'both']);
    await two.thaw();
    expect(running()).toEqual(before);
  });

  it('leaves frozen when it is given up what was so by hand before it, elsewhere', async () => {
    await one.freeze('shop');
    await freezeStep.run(shop, one.step('run-1'));
    const outcome = await freezeStep.run(shop, two.step('run-1'));
    expect(await freezeStep.undo?.(shop, outcome, two.step('run-1'))).toMatch(
      /shop stays frozen by hand by web-1/,
    );
    expect(runs(place.folder, 'shop-api')).toBe(false);
    await two.thaw();
    expect(running()).toEqual(before);
  });
});

describe('a host that was slow, not dead', () => {
  it('does not open with its run what another one has frozen for itself', async () => {
    const outcome = await freezeStep.run(shop, one.step('run-1'));
    await two.freeze('shop');
    const { text } = await thawStep.run({ of: 'freeze' }, one.step('run-1', { freeze: outcome }));
    expect(text).toMatch(/shop stays frozen by hand by web-2/);
    expect(runs(place.folder, 'shop-api')).toBe(false);
    await two.thaw();
    expect(running()).toEqual(before);
  });

  it('shows whose freeze it would thaw by hand, and knows it by its former name', async () => {
    const { record: first } = await one.freeze('shop');
    const { record: second } = await two.freeze('shop');
    for (const found of [await one.find(), await one.find(first.id)]) {
      expect(found.from).toBe('repositories');
      expect(found.records.map(({ id }) => id)).toContain(second.id);
    }
    expect(second.tookOver).toMatchObject([{ id: first.id, host: 'web-1' }]);
    await one.thaw({ freeze: first.id });
    expect([running(), await one.frozen()]).toEqual([before, []]);
  });

  it('keeps what it has frozen for others, and says what it does not open', async () => {
    await one.freeze('shop');
    const { record } = await two.freeze('shop');
    // It does not see that, and adds to its own.
    one.isCutOff = true;
    await one.freeze('crm');
    one.isCutOff = false;
    const { notes, thawed } = await one.thaw();
    expect(thawed).toEqual(['service crm-api']);
    expect(notes).toContain(
      `the host web-2 goes on with what the freeze ${record.tookOver?.[0]?.id} of this host has stopped, for shop: \`lifeboat thaw --freeze ${record.id}\` opens that`,
    );
    expect(running()).toEqual(['crm-api', 'both']);
    await two.thaw();
    expect(running()).toEqual(before);
  });

  it('says where it could not ask whether another one goes on with it', async () => {
    await one.freeze('shop');
    await two.freeze('shop');
    one.isCutOff = true;
    const { notes } = await one.thaw();
    expect(notes.join()).toMatch(/main could not be asked whether another host goes on with/);
  });

  it('takes nothing for frozen that the other one has thawed', async () => {
    await one.freeze('shop');
    await two.freeze('shop');
    await two.thaw();
    await expect(one.thaw()).rejects.toMatchObject({ code: 'thaw.nothing' });
    expect(await one.frozen()).toEqual([]);
    setRunning(place.folder, 'shop-cron');
    const { record } = await one.freeze('shop');
    expect(record.tookOver).toBeUndefined();
    await one.thaw();
    expect(running()).toEqual(services);
  });

  it('goes on in turn with what the other one goes on with', async () => {
    await one.freeze('shop');
    await two.freeze('shop', 'crm');
    const { record } = await one.freeze('shop');
    expect(record.sources).toEqual(['shop', 'crm']);
    expect(await one.open()).toEqual([record]);
    await expect(two.thaw({ freeze: '20200101T000000Z-000000' })).rejects.toThrow('no freeze');
    await one.thaw();
    expect(running()).toEqual(before);
    await expect(two.thaw()).rejects.toMatchObject({ code: 'thaw.nothing' });
  });
});

/** Two that did not know of each other: the second has seen the services stopped already. */
async function frozenTwice(...sources: readonly string[]): Promise<void> {
  await one.freeze(...sources);
  two.isCutOff = true;
  const { notes } = await two.freeze(...sources);
  expect(notes.join()).toMatch(/main could not be asked whether another host has frozen/);
  two.isCutOff = false;
  await send(two);
}

async function send({ stateFolder }: FreezeHost): Promise<void> {
  const { repository } = place;
  await sendUnsent({ stateFolder, repository: async () => repository, patienceMs: 10_000 });
}

describe('two open freezes of the same', () => {
  it('are gone on with as the one that saw it first', async () => {
    await frozenTwice('shop');
    const { record } = await three.freeze('shop', 'crm');
    expect(record.holds).toMatchObject(
      [
        { source: 'shop', actor: 'web-1' },
        { source: 'shop', actor: 'web-2' },
        { source: 'crm', actor: 'web-3' },
        { source: 'shop', actor: 'web-3' },
      ].filter(({ source, actor }) => !(source === 'shop' && actor === 'web-3')),
    );
    await three.thaw();
    expect(running()).toEqual(before);
    for (const each of [one, two]) {
      await expect(each.thaw()).rejects.toMatchObject({ code: 'thaw.nothing' });
    }
  });

  it('lose nothing to the thaw of the one that came later', async () => {
    await frozenTwice('shop');
    await two.thaw();
    await one.thaw();
    expect(running()).toEqual(before);
  });

  it('are mended by the later one when it freezes again', async () => {
    await frozenTwice('shop');
    const { record } = await two.freeze('shop');
    expect(record.items).toMatchObject([
      { name: 'service shop-cron', former: { status: 'stopped' } },
      { name: 'service shop-api', former: { status: 'running' } },
    ]);
    await two.thaw();
    expect(running()).toEqual(before);
  });
});

it('goes on when it is killed between writing down what it took in and putting the former record away', async () => {
  await one.freeze('shop');
  await two.freeze('shop');
  const store = { ...freezeStore(one.stateFolder), retire: async () => {} };
  await freeze({ ...one.world, store, sources: ['shop'] });
  expect((await one.open()).length).toBe(2);
  await one.thaw();
  expect([running(), await one.frozen()]).toEqual([before, []]);
});

it('says how to go on without a service that was stopped by commands of a host that is lost', async () => {
  const { record } = await one.freeze('shop');
  const elsewhere = { text: 'commands on web-1', fingerprint: 'another' };
  const items = record.items.map((item) =>
    item.name === 'service shop-api' ? { ...item, place: elsewhere } : item,
  );
  const body = { ...record, items, revision: record.revision + 1 };
  await place.repository.records.append({ kind: 'freeze', source: '', body });
  const way = '`lifeboat thaw --only "service shop-api" --leave "service shop-api"`';
  await expect(two.freeze('shop')).rejects.toMatchObject({
    code: 'platform.other-place',
    hint: expect.stringContaining(way),
  });
  const { failures } = await two.thaw({ keeps: ({ name }) => name !== 'service shop-api' });
  expect(failures.map(({ remedy }) => remedy)).toEqual([expect.stringContaining(way)]);
  const leave = ['service shop-api'];
  await two.thaw({ leave, keeps: ({ name }) => !leave.includes(name) });
  expect((await two.freeze('shop')).gaps).toEqual([]);
  await two.thaw();
  expect(await two.frozen()).toEqual([]);
});

describe('the maintenance page in the place of a file', () => {
  let at: string;
  beforeEach(() => {
    at = join(place.folder, 'index.html');
    writeFileSync(at, 'the shop');
    writeFileSync(join(place.folder, 'page.html'), 'back soon');
    const page = `recovery: { maintenanceFile: { page: ${join(place.folder, 'page.html')}, at: ${at} } }`;
    place = { ...place, yaml: `${place.yaml}${page}\n` };
    hosts();
  });
  const shown = () => readFileSync(at, 'utf8');

  it('is one page of both where it is the same file', async () => {
    await one.freeze('crm');
    expect((await two.freeze('shop')).record.sources).toEqual(['crm', 'shop']);
    await two.thaw({ sources: ['shop'] });
    expect([running(), shown()]).toEqual([['shop-api', 'both'], 'back soon']);
    await two.thaw();
    expect([running(), shown()]).toEqual([before, 'the shop']);
    expect(readdirSync(place.folder).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('is shown here too where that of a lost host is shown elsewhere, which only a person gives up', async () => {
    const { record } = await one.freeze('shop');
    rmSync(at);
    writeFileSync(at, 'the shop');
    const elsewhere = { text: 'files and commands of web-1', fingerprint: 'another' };
    const items = record.items.map((item) =>
      item.kind === 'maintenance-file' ? { ...item, place: elsewhere } : item,
    );
    const body = { ...record, items, revision: record.revision + 1 };
    await place.repository.records.append({ kind: 'freeze', source: '', body });
    const { gaps } = await two.freeze('shop');
    expect([gaps, shown()]).toEqual([[], 'back soon']);
    const { failures } = await two.thaw();
    const lost = failures.filter(({ problem }) => problem.includes(elsewhere.text));
    const leave = lost.map(({ item }) => item);
    expect(leave.length).toBe(1);
    const { record: thawed } = await two.thaw({ leave });
    expect([thawed.phase, shown(), running()]).toEqual(['thawed', 'the shop', before]);
  });
});

const [subject] = serversUnderTest(15);

describe('databases', () => {
  it('come back byte for byte, whichever hosts froze them, under whatever names', async (context) => {
    const bin = need(context, subject?.bin, 'PostgreSQL 15 is not installed');
    await using server = await startPostgres({ bin, major: subject?.major as number });
    await server.query('create role app login');
    for (const name of ['shop', 'crm']) await server.query(`create database ${name}`);
    await server.query('alter database shop connection limit 7');
    await server.query('revoke connect on database shop from public');
    await server.query('grant connect on database shop to app');
    const sources: Record<string, unknown> = {};
    const kept = { shop: 'shop', again: 'shop', crm: 'crm' };
    for (const [name, database] of Object.entries(kept)) {
      sources[name] = await createSource({
        kind: 'postgres-dump',
        name,
        connection: parseConnectionUrl(server.url(database)),
        databases: [database],
        stateFolder: join(place.folder, 'state'),
        environment: process.env,
      } as never);
    }
    const source = ([name, database]: [string, string]) =>
      `  ${name}: { kind: postgres-dump, connection: "${server.url(database)}", databases: [${database}] }`;
    const yaml = `sources:\n${Object.entries(kept).map(source).join('\n')}`;
    place = { ...place, yaml, sources: sources as never };
    hosts();
    const rights = await rightsOf(server);

    // A freeze of its own does not hide that of another host.
    await two.freeze('crm');
    await one.freeze('shop');
    expect((await two.freeze('shop')).record.sources).toEqual(['crm', 'shop']);
    await two.thaw();
    expect(await rightsOf(server)).toEqual(rights);
    await expect(one.thaw()).rejects.toMatchObject({ code: 'thaw.nothing' });

    // Another database of the same server is something else; the same one under another name is not.
    await one.freeze('shop');
    expect((await two.freeze('crm')).record.tookOver).toBeUndefined();
    expect((await three.freeze('again')).record.sources).toEqual(['shop', 'again']);
    await three.thaw();
    await two.thaw();
    expect(await rightsOf(server)).toEqual(rights);

    await frozenTwice('shop');
    await three.freeze('shop');
    await three.thaw();
    expect(await rightsOf(server)).toEqual(rights);
  });
});
