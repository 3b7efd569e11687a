// What `lifeboat plan` says of a real mass DELETE, with times from a real proof; and of what it refuses.
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Plan } from '../../src/recovery/index.ts';
import { parsePlan } from '../../src/recovery/index.ts';
import { lifeboat, untilRecord } from '../support/command-line.ts';
import { type Installation, installation } from '../support/installation.ts';
import { startPostgres, type TestServer } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { untilFlushed } from '../support/until-flushed.ts';

const schema = `
  create table customers (id int primary key, name text not null);
  create table orders (id int primary key, customer int not null, note text not null);
  insert into customers select i, md5(i::text) from generate_series(1, 2000) i;
  insert into orders select i, 1 + i % 2000, repeat(md5(i::text), 4) from generate_series(1, 5000) i`;

const quiet = 'stop: ["true"], start: ["true"], isRunning: ["true"]';

describe.each(serversUnderTest(18))('a plan, $name', ({ bin, major, hasTools }) => {
  let server: TestServer;
  let own: Installation;
  let serving: ChildProcess;
  let beforeLoss: string;

  beforeEach((context) => {
    need(context, bin, 'no server programs of this version');
    need(context, hasTools ? true : undefined, 'its packages have no pg_dump');
  });

  beforeAll(async () => {
    if (!bin || !hasTools) return;
    server = await startPostgres({ bin, major });
    await server.query(schema);
    own = await installation({
      connection: server.url(),
      programs: bin,
      sourceOptions: `, service: postgres, ground: { kind: folder, folder: ${server.dataFolder} }`,
      options: `services:
  postgres: { platform: shell, ${quiet} }
  api: { platform: shell, ${quiet}, writes: [database] }
recovery:
  people:
    ada: { may: [execute, accept-data-loss] }
`,
    });
    serving = own.spawn('serve');
    await untilRecord(serving, ({ type }) => type === 'backup');
    serving.stdout?.resume();
    await server.query("insert into orders values (5001, 1, 'late')");
    await untilFlushed(server);
    const proven = await own.run('prove');
    expect(proven, proven.stdout).toMatchObject({ exitCode: 0 });
    beforeLoss = new Date().toISOString();
    await server.query('delete from orders where id <= 4000');
    await untilFlushed(server);
  });

  afterAll(async () => {
    await own?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  const planIn = (records: readonly Record<string, unknown>[]) =>
    records.find(({ type }) => type === 'plan') as unknown as Plan;
  const error = (records: readonly Record<string, unknown>[]) => records.at(-1);

  test('of a mass DELETE puts the rows back, as fast as was measured, and changes nothing', async () => {
    const out = join(own.folder, 'plan.json');
    const result = await own.run('plan', '--out', out);
    expect(result, result.stdout + result.stderr).toMatchObject({ exitCode: 0 });
    const plan = planIn(result.records);
    const proof = (await own.run('status')).records.find(({ type }) => type === 'source-status');
    expect(proof).toBeDefined();

    const { records } = await own.run('find-loss');
    const suspect = records.find(({ type }) => type === 'suspect');
    expect(plan).toMatchObject({ method: 'rescue-rows', sources: ['database'], incident: 'none' });
    const rescue = plan.steps.find(({ kind }) => kind === 'rescue-rows');
    expect(rescue?.input).toMatchObject({ source: 'database', xid: suspect?.xid });
    expect(rescue?.approval).toMatchObject({ authority: 'execute', typed: 'postgres' });

    // Time from the proof, none of the loss.
    expect(rescue?.expectedMs).toBeGreaterThan(0);
    expect(plan.predicted.durationMs).toBeGreaterThanOrEqual(rescue?.expectedMs ?? Number.NaN);
    expect(plan.predicted.basis.join('\n')).toMatch(/restored in .* \(proof [0-9a-f]{8}\)/);
    expect(plan.predicted).toMatchObject({ loss: 'none', lossMs: 0 });
    const rewind = plan.alternatives.find(({ method }) => method === 'point-in-time');
    expect(rewind).toMatchObject({
      fits: true,
      predicted: { loss: expect.stringContaining('every write to database') },
    });
    expect(rewind?.predicted?.lossMs).toBeGreaterThan(0);

    // Who stops, and who was asked who they are.
    const freeze = plan.steps.find(({ kind }) => kind === 'freeze');
    expect(freeze?.input).toMatchObject({ services: ['api'], sources: ['database'] });
    expect(Object.keys(plan.places)).toEqual(
      expect.arrayContaining(['service api', 'service postgres', 'server of database']),
    );

    // The file is the plan, under the same name; and nothing happened.
    expect(parsePlan(readFileSync(out, 'utf8'), plan.id).id).toBe(plan.id);
    const { rows } = await server.query('select count(*)::int as left from orders');
    expect(rows).toEqual([{ left: 1001 }]);
  });

  test('is read by somebody who was asleep a minute ago', async () => {
    const config = join(own.folder, 'lifeboat.yaml');
    const { exitCode, stdout, stderr } = await lifeboat(['plan', '--config', config], {
      env: { TMPDIR: own.temporaryFolder },
    });
    expect(exitCode, stderr).toBe(0);
    for (const each of [
      'put the destroyed rows back',
      'loss     none',
      'lifeboat rescue database --xid',
      'typing "postgres"',
      'Other ways',
      'point-in-time',
    ]) {
      expect(stdout).toContain(each);
    }
  });

  test('to a moment restores beside and swaps, and is kept when that is asked for', async () => {
    const result = await own.run('plan', '--at', beforeLoss, '--severity', 'P0', '--keep');
    expect(result, result.stdout).toMatchObject({ exitCode: 0 });
    const plan = planIn(result.records);
    expect(plan).toMatchObject({
      method: 'point-in-time',
      target: { source: 'database', target: { kind: 'time', time: beforeLoss } },
    });
    const kept = result.records.find(({ type }) => type === 'plan-kept');
    expect(kept).toMatchObject({ id: plan.id, stored: ['state', 'main'], problems: {} });
    const file = readFileSync(join(own.stateFolder, 'plans', `${plan.id}.json`), 'utf8');
    expect(parsePlan(file, plan.id)).toMatchObject({ id: plan.id, method: 'point-in-time' });
  });

  test('that cannot be carried out says why, and ends with 1', async () => {
    // Nothing is put where an intruder was.
    const intruded = await own.run('plan', '--type', 'malicious', '--at', beforeLoss);
    expect(intruded.exitCode).toBe(1);
    const refused = intruded.records.find(({ type }) => type === 'plan-refused');
    expect(JSON.stringify(refused)).toContain('never used again after an intrusion');
    expect(error(intruded.records)).toMatchObject({ code: 'plan.refused' });

    // Nobody may say so.
    own.configure({
      options: 'recovery: { people: { ada: { may: [execute] } } }',
      sourceOptions: `, ground: { kind: folder, folder: ${server.dataFolder} }`,
    });
    const unanswered = await own.run('plan', '--at', beforeLoss);
    expect(unanswered.exitCode).toBe(1);
    expect(error(unanswered.records)).toMatchObject({
      code: 'plan.refused',
      context: { problems: ['nobody may allow accept-data-loss'] },
    });
  });
});
