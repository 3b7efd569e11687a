// Who may thaw what: freezes by hand and those of several runs are in one record of the host, and none opens what another one holds.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { createPlatforms } from '../../src/platforms/index.ts';
import { freezeStore } from '../../src/recovery/freeze/freeze-store.ts';
import { freeze as freezeAll, frozenSources, thaw as thawAll } from '../../src/recovery/index.ts';
import { freezeStep } from '../../src/recovery/steps/kinds/freeze.ts';
import { thawStep } from '../../src/recovery/steps/kinds/thaw.ts';
import type { StepOutcome } from '../../src/recovery/steps/step-kind.ts';
import { createSource, parseConnectionUrl } from '../../src/sources/index.ts';
import { fileService, rightsOf, runs, setRunning } from '../support/freeze-scene.ts';
import { memoryRepository } from '../support/memory-repository.ts';
import { startPostgres } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { type ContextOfTest, stepContext } from '../support/step-context.ts';

const all = ['shop-api', 'crm-api', 'both'];
const shop = { services: ['both', 'shop-api'], sources: [], holds: ['shop'], maintenance: false };
const crm = { services: ['both', 'crm-api'], sources: [], holds: ['crm'], maintenance: false };
const platforms = createPlatforms({ environment: process.env });
let test: ContextOfTest;

beforeEach(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lifeboat-holds-'));
  for (const each of ['shop', 'crm']) mkdirSync(join(folder, each));
  const yaml = `sources:
  shop: { kind: files, paths: [${join(folder, 'shop')}] }
  crm: { kind: files, paths: [${join(folder, 'crm')}] }
services:
${fileService(folder, 'shop-api', ', writes: [shop]')}${fileService(folder, 'crm-api', ', writes: [crm]')}${fileService(folder, 'both', ', writes: [shop, crm]')}`;
  const repository = (await memoryRepository()).open();
  test = {
    folder,
    yaml,
    repository,
    sources: { shop: { kind: 'files' }, crm: { kind: 'files' } } as never,
  };
  setRunning(folder, ...all);
  return () => rmSync(folder, { recursive: true, force: true });
});

const of = (run: string, outcomes: Record<string, StepOutcome> = {}) => ({
  ...stepContext({ ...test, outcomes }),
  token: run,
});
const running = () => all.filter((name) => runs(test.folder, name));
const byHand = () => {
  const { surroundings, tell } = of('nobody');
  return { surroundings, platforms, tell };
};
const freezeByHand = async (...sources: readonly string[]) =>
  await freezeAll({ ...byHand(), sources });
const thaws = async (run: string, freeze: StepOutcome) =>
  await thawStep.run({ of: 'freeze' }, of(run, { freeze }));
const undoes = async (run: string, freeze: StepOutcome, input: typeof shop = shop) =>
  (await freezeStep.undo?.(input, freeze, of(run))) ?? '';
const frozen = async () => {
  const stateFolder = join(test.folder, 'state');
  const found = await frozenSources({ stateFolder, tooLongMs: 0, now: new Date() });
  return found.map(({ source }) => source);
};

describe('the thaw of a run', () => {
  it('opens what was frozen by hand before for the same source, and nothing else', async () => {
    await freezeByHand('shop', 'crm');
    const outcome = await freezeStep.run(shop, of('run-1'));
    expect(outcome.text).toMatch(
      /shop was frozen by hand by tester since .*is thawed with this run/,
    );
    const { text, result } = await thaws('run-1', outcome);
    expect(running()).toEqual(['shop-api']);
    expect(text).toMatch(/service both stays frozen for crm, which is frozen by hand by tester/);
    expect(text).toContain('`lifeboat thaw crm`');
    // Nobody misses what stands for somebody else.
    expect(result.idle).toEqual(['both']);
    expect(await frozen()).toEqual(['crm']);
    await thawAll({ ...byHand(), sources: ['crm'] });
    expect(running()).toEqual(all);
    expect(await frozen()).toEqual([]);
  });

  it('leaves what another run holds', async () => {
    const first = await freezeStep.run(shop, of('run-1'));
    const second = await freezeStep.run(crm, of('run-2'));
    expect(second.result.freeze).toBe(first.result.freeze);
    expect(first.text).toBe('froze both, shop-api: 2 changes, 0 sessions ended');
    expect(second.text).toBe('froze both, crm-api: 1 change, 0 sessions ended');
    expect((await thaws('run-1', first)).text).toMatch(/both .*frozen by run run-2/);
    expect(running()).toEqual(['shop-api']);
    expect(await frozen()).toEqual(['crm']);
    expect((await thaws('run-2', second)).text).not.toContain('stays');
    expect(running()).toEqual(all);
  });

  it('leaves what was frozen by hand while it ran', async () => {
    const outcome = await freezeStep.run(shop, of('run-1'));
    await freezeByHand('shop');
    // Tried once more after a crash it takes nothing over.
    await freezeStep.run(shop, of('run-1'));
    const { text } = await thaws('run-1', outcome);
    expect(text).toMatch(/shop stays frozen by hand by tester .*`lifeboat thaw shop`/);
    expect(running()).toEqual(['crm-api']);
    await thawAll(byHand());
    expect(running()).toEqual(all);
  });

  it('opens no freeze that somebody made when its own was thawed by hand', async () => {
    const outcome = await freezeStep.run(shop, of('run-1'));
    await thawAll(byHand());
    await freezeByHand('crm');
    expect((await thaws('run-1', outcome)).text).toBe('nothing was frozen any more');
    expect(running()).toEqual(['shop-api']);
    expect(await frozen()).toEqual(['crm']);
  });

  it('is not kept from it by a run that holds the place which the source has left', async () => {
    const first = await freezeStep.run(shop, of('run-1'));
    const moved = { sources: ['shop'], pointedBy: { point: ['shop-api'] } };
    await thawStep.run({ of: 'freeze', moved }, of('run-1', { freeze: first }));
    expect([running(), await frozen()]).toEqual([['crm-api', 'both'], ['shop']]);
    const second = await freezeStep.run(shop, of('run-2'));
    expect((await thaws('run-2', second)).text).not.toContain('stays frozen');
    expect(runs(test.folder, 'both')).toBe(true);
  });

  it('goes on with a freeze of a version that did not write down for whom it is', async () => {
    const outcome = await freezeStep.run(shop, of('run-1'));
    const store = freezeStore(join(test.folder, 'state'));
    const [record] = await store.open();
    if (record === undefined) throw new Error('nothing is frozen');
    const { holds: _, ...former } = record;
    await store.save({ ...former, revision: record.revision + 1 });
    await thaws('run-1', outcome);
    expect(running()).toEqual(all);
  });
});

describe('the undo of a run', () => {
  it('leaves frozen what was so by hand before it', async () => {
    await freezeByHand('shop');
    const outcome = await freezeStep.run(shop, of('run-1'));
    expect(await undoes('run-1', outcome)).toMatch(/shop stays frozen by hand/);
    expect([running(), await frozen()]).toEqual([['crm-api'], ['shop']]);
    await thawAll(byHand());
    expect(running()).toEqual(all);
  });

  it('freezes that again when it had been thawed', async () => {
    await freezeByHand('shop');
    const outcome = await freezeStep.run(shop, of('run-1'));
    const thawed = await thaws('run-1', outcome);
    expect(running()).toEqual(all);
    await thawStep.undo?.({ of: 'freeze' }, thawed, of('run-1', { freeze: outcome }));
    expect(await undoes('run-1', outcome)).toMatch(/shop stays frozen by hand/);
    expect([running(), await frozen()]).toEqual([['crm-api'], ['shop']]);
  });

  it('opens what nobody had frozen before, also when nobody saw the freeze end', async () => {
    await freezeStep.run(shop, of('run-1'));
    await freezeStep.undo?.(shop, undefined, of('run-1'));
    expect([running(), await frozen()]).toEqual([all, []]);
  });
});

it('a freeze with nothing to stop stops nothing, says so, and holds nothing', async () => {
  const input = { ...shop, services: [] };
  const outcome = await freezeStep.run(input, of('run-1'));
  expect(outcome.text).toContain('no service that writes is configured');
  expect([running(), await frozen()]).toEqual([all, []]);
  expect((await thaws('run-1', outcome)).text).toBe('nothing was frozen any more');
  expect(await undoes('run-1', outcome, input)).toContain('nothing of it was frozen');
});

const [subject] = serversUnderTest(15);

it('the thaw of a run leaves the databases of another source closed', async (context) => {
  const bin = need(context, subject?.bin, 'PostgreSQL 15 is not installed');
  const major = subject?.major as number;
  await using server = await startPostgres({ bin, major });
  await server.query('create database shop');
  await server.query('create database crm');
  await server.query('create role app login');
  const sources: Record<string, unknown> = {};
  for (const name of ['shop', 'crm']) {
    sources[name] = await createSource({
      kind: 'postgres-dump',
      name,
      connection: parseConnectionUrl(server.url(name)),
      databases: [name],
      stateFolder: join(test.folder, 'state'),
      environment: process.env,
    } as never);
  }
  const source = (name: string) =>
    `  ${name}: { kind: postgres-dump, connection: "${server.url(name)}", databases: [${name}] }`;
  test = {
    ...test,
    yaml: `sources:\n${source('shop')}\n${source('crm')}`,
    sources: sources as never,
  };
  const before = await rightsOf(server);
  const limit = async (database: string) => {
    const text = 'select datconnlimit from pg_database where datname = $1';
    return (await server.query(text.replace('$1', `'${database}'`))).rows[0]?.datconnlimit;
  };
  await freezeByHand('shop', 'crm');
  const outcome = await freezeStep.run(
    { services: [], sources: ['shop'], holds: ['shop'], maintenance: false },
    of('run-1'),
  );
  await thaws('run-1', outcome);
  expect([await limit('shop'), await limit('crm')]).toEqual([-1, 0]);
  await thawAll(byHand());
  expect(await rightsOf(server)).toEqual(before);
});
