// `lifeboat recover` as people use it: a plan from a file, names typed by --yes, an approval of a second person, a pause, a step left out,
// giving up, and where it all stands. Steps are commands of the configuration, and one of a person.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Plan, type RecoveryClock, type Step, sealPlan } from '../../src/recovery/index.ts';
import { type InProcessResult, lifeboatInProcess } from '../support/in-process.ts';
import { type Installation, installation } from '../support/installation.ts';
import { approvalOf, planOf } from '../support/recovery-run.ts';
import { need } from '../support/skip.ts';

let place: Installation;
let fails: string;

beforeEach(async () => {
  place = await installation();
  fails = join(place.folder, 'fails');
  const did = join(place.folder, 'did');
  mkdirSync(did);
  const command = (name: string) =>
    `{ name: ${name}, command: [mkdir, ${did}/${name}], undo: [rmdir, ${did}/${name}], isDone: [test, -d, ${did}/${name}] }`;
  place.configure({
    options: `recovery:
  people:
    alice: { may: [execute] }
    bob: { may: [execute, accept-data-loss] }
    carol: { may: [accept-data-loss] }
  after:
    - ${command('migrate')}
    - { name: checked, command: [test, "!", -e, ${fails}], isDone: [test, "!", -e, ${fails}] }
    - ${command('switch')}
`,
  });
});
afterEach(() => place[Symbol.asyncDispose]());

const as = (person: string, ...args: string[]): Promise<InProcessResult> =>
  lifeboatInProcess(
    ['recover', ...args, '--config', join(place.folder, 'lifeboat.yaml'), '--json'],
    { SUDO_USER: person, PATH: process.env.PATH ?? '' },
  );

function step(id: string, change: Partial<Step> = {}) {
  return { id, input: { name: id }, ...change };
}

function writePlan(steps: readonly ReturnType<typeof step>[], change: Partial<Plan> = {}): string {
  const { id: _, ...content } = planOf(steps, change);
  const plan: Plan = sealPlan({ ...content, sources: ['database'] });
  const file = join(place.folder, 'plan.json');
  writeFileSync(file, JSON.stringify(plan));
  return file;
}

const types = ({ records }: InProcessResult) => records.map(({ type }) => type);
const last = ({ records }: InProcessResult) => records.at(-1) as Record<string, unknown>;
const did = (name: string) => existsSync(join(place.folder, 'did', name));

it('carries a plan out, asks what is to be allowed, and says where it stands', async (context) => {
  need(context, process.getuid?.() === 0, 'only root can act for others by sudo');
  const loss = approvalOf({ authority: 'accept-data-loss', persons: 2, typed: 'database' });
  const plan = writePlan([
    step('migrate', { approval: approvalOf({ typed: 'here', timeoutMs: 300 }) }),
    step('switch', { approval: { ...loss, timeoutMs: 300 } }),
    step('look', {
      kind: 'manual',
      input: { instruction: 'look at the shop', typed: 'ok' },
      isDestructive: false,
    }),
  ]);

  // 1. Nobody typed the name.
  const first = await as('alice', plan);
  expect(first.exitCode, first.stdout).toBe(3);
  expect(last(first)).toMatchObject({ code: 'run.paused' });
  const { run } = first.records.find(({ type }) => type === 'run-opened') as { run: string };
  expect(String(last(first).hint)).toContain(`--approve ${run} migrate --yes here`);
  expect(did('migrate')).toBe(false);

  // 2. Another run on the same source cannot begin; who may not run one is refused.
  expect(last(await as('bob', plan))).toMatchObject({ code: 'run.busy', exitCode: 11 });
  expect(last(await as('carol', '--resume', run))).toMatchObject({ code: 'approval.refused' });

  // 3. Alice goes on; what gives data up she may not allow, and it takes two who may.
  const second = await as('alice', '--resume', 'INC-1', '--yes', 'here', '--yes', 'database');
  expect(second.exitCode, second.stdout).toBe(3);
  expect(did('migrate')).toBe(true);
  expect(second.records).toContainEqual(
    expect.objectContaining({
      type: 'run-approval-wanted',
      step: 'switch',
      missing: 2,
      who: ['bob', 'carol'],
    }),
  );
  expect(last(await as('alice', '--approve', run, 'switch', '--yes', 'database'))).toMatchObject({
    code: 'approval.refused',
  });
  expect(last(await as('carol', '--approve', run, 'switch', '--yes', 'data'))).toMatchObject({
    code: 'confirmation.missing',
  });
  for (const twice of [1, 2]) {
    expect(
      (await as('carol', '--approve', run, 'switch', '--yes', 'database')).exitCode,
      `${twice}`,
    ).toBe(0);
  }
  const third = await as('alice', '--resume', run);
  expect(third.exitCode, third.stdout).toBe(3);
  expect(types(third)).toContain('run-approval-ignored');
  expect(did('switch')).toBe(false);

  // 4. Bob is the second one.
  await as('bob', '--approve', run, 'switch', '--yes', 'database');
  const end = await as('alice', '--resume', run);
  expect(end.exitCode, end.stdout).toBe(0);
  expect(last(end)).toMatchObject({ type: 'run-done', phase: 'done' });
  expect(did('switch')).toBe(true);
  const status = await as('alice', '--status', run);
  expect(last(status)).toMatchObject({
    type: 'run',
    phase: 'done',
    steps: {
      migrate: { attempts: 1, approvals: [{ person: 'alice' }] },
      switch: { attempts: 1, approvals: [{ person: 'carol' }, { person: 'bob' }] },
    },
  });
});

it('stops at a command that fails, goes on without it, or gives everything back', async (context) => {
  need(context, process.getuid?.() === 0, 'only root can act for others by sudo');
  writeFileSync(fails, '');
  const plan = writePlan([
    step('migrate'),
    step('checked', { isDestructive: false }),
    step('switch'),
  ]);
  const failed = await as('alice', plan);
  expect(failed.exitCode, failed.stdout).toBe(1);
  expect(last(failed)).toMatchObject({ code: 'run.failed', context: { step: 'checked' } });
  expect(last(failed).hint).toContain('--skip checked');

  expect((await as('alice', '--abort', 'INC-1')).exitCode).toBe(2);
  const aborted = await as('alice', '--abort', 'INC-1', '--reason', 'found it');
  expect(aborted.exitCode, aborted.stdout).toBe(0);
  expect(last(aborted)).toMatchObject({ type: 'run-aborted', stays: [] });
  expect(did('migrate')).toBe(false);

  const again = await as('alice', plan);
  expect(again.exitCode, again.stdout).toBe(1);
  const without = await as('bob', '--skip', 'checked', '--reason', 'looked by hand');
  expect(without.exitCode, without.stdout).toBe(3);
  expect(without.records).toContainEqual(
    expect.objectContaining({ type: 'run-step-skipped', step: 'checked', person: 'bob' }),
  );
  expect(did('switch')).toBe(true);
});

it('tells while it runs, at the end and ever after that the objective was missed, and by how much', async (context) => {
  need(context, process.getuid?.() === 0, 'only root can act for others by sudo');
  place.configure({
    sourceOptions: ', objectives: { rto: 30m }',
    options: `recovery: { after: [{ name: migrate, command: ["true"], isDone: ["true"] }] }`,
  });
  const hour = 3_600_000;
  const createdAt = new Date(Date.now() - hour).toISOString();
  const plan = writePlan([step('migrate', { expectedMs: 60_000 })], { createdAt });
  const clockIn = ({ records }: InProcessResult, wanted: string) =>
    records.find(({ type }) => type === wanted)?.clock as RecoveryClock;
  const ran = await as('alice', plan);
  expect(ran.exitCode, ran.stdout).toBe(0);
  const opened = clockIn(ran, 'run-opened');
  expect(opened).toMatchObject({ objectiveMs: hour / 2, isStopped: false, remainingMs: 60_000 });
  expect(opened.leftMs).toBeLessThanOrEqual(-hour / 2);
  const end = clockIn(ran, 'run-done');
  expect(end).toMatchObject({ objectiveMs: hour / 2, isStopped: true, remainingMs: 0 });
  expect(end.leftMs).toBe(hour / 2 - end.elapsedMs);
  const { run } = last(ran) as { run: string };
  // It stands still from then on.
  expect(clockIn(await as('alice', '--status', run), 'run')).toEqual(end);
  const shown = await lifeboatInProcess(
    ['recover', '--status', run, '--config', join(place.folder, 'lifeboat.yaml')],
    { SUDO_USER: 'alice', PATH: process.env.PATH ?? '' },
  );
  expect(shown.stdout).toMatch(
    /services wrote again 1h 0m\S* after the loss was declared, 30m\S* \S+ over the objective of 30m/,
  );
});

it('says plainly what it does not understand', async (context) => {
  need(context, process.getuid?.() === 0, 'only root can act for others by sudo');
  expect(last(await as('alice'))).toMatchObject({
    code: 'plan.refused',
    message: 'nothing that is known answers what was found',
  });
  expect(last(await as('alice', '--resume', 'nothing'))).toMatchObject({ code: 'usage.invalid' });
  expect(last(await as('alice', '--pause', '--status'))).toMatchObject({ code: 'usage.invalid' });
  const plan = writePlan([step('migrate')]);
  writeFileSync(plan, readFileSync(plan, 'utf8').replace('Do migrate', 'Do something else'));
  expect(last(await as('alice', plan))).toMatchObject({ code: 'plan.refused' });
  writePlan([step('migrate', { approval: approvalOf({ authority: 'security-clearance' }) })]);
  expect(last(await as('alice', plan))).toMatchObject({
    code: 'plan.refused',
    message: expect.stringContaining('nobody may'),
  });
  expect(await as('alice', '--status')).toMatchObject({ exitCode: 0 });
});
