// A command of the configuration outlives the recovery that was killed beside it. Going on, and giving up, wait for its end: it is done once.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { sealPlan } from '../../src/recovery/index.ts';
import { untilRecord } from '../support/command-line.ts';
import { ended, type Installation, installation } from '../support/installation.ts';
import { planOf } from '../support/recovery-run.ts';

let place: Installation;
let ledger: string;

beforeEach(async () => {
  place = await installation();
  const folder = join(place.folder, 'effects');
  mkdirSync(folder);
  ledger = join(folder, 'ledger');
  const mark = join(folder, 'mark');
  place.configure({
    options: `recovery:
  after:
    - { name: migrate, command: [sh, -c, 'echo begun >> ${ledger}; sleep 6; touch ${mark}; echo did >> ${ledger}'], isDone: [test, -e, ${mark}], undo: [sh, -c, 'rm ${mark} && echo undid >> ${ledger}'] }
`,
  });
});
afterEach(() => place[Symbol.asyncDispose]());

const said = () => readFileSync(ledger, 'utf8').trim().split('\n');

async function killWithin(): Promise<void> {
  const { id: _, ...content } = planOf([{ id: 'migrate', input: { name: 'migrate' } }]);
  const file = join(place.folder, 'plan.json');
  writeFileSync(file, JSON.stringify(sealPlan({ ...content, sources: ['database'] })));
  const child = place.spawn('recover', file);
  await untilRecord(child, ({ type }) => type === 'run-step-begun');
  await expect.poll(said, { timeout: 20_000 }).toEqual(['begun']);
  await ended(child, 'SIGKILL');
}

it('goes on when the command has ended, and does not do it twice', async () => {
  await killWithin();
  const run = await place.run('recover', '--resume', 'INC-1');
  expect(run.exitCode, run.stdout).toBe(0);
  expect(run.records).toContainEqual(
    expect.objectContaining({ type: 'run-step-done', known: 'found' }),
  );
  expect(said()).toEqual(['begun', 'did']);
});

it('is undone when the command has ended', async () => {
  await killWithin();
  const run = await place.run('recover', '--abort', 'INC-1', '--reason', 'enough');
  expect(run.exitCode, run.stdout).toBe(0);
  expect(said()).toEqual(['begun', 'did', 'undid']);
});
