import { rmSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/support/postgres.ts';
import { engineFile, planOf, runsWith } from '../../../test/support/recovery-run.ts';
import { requireNotCarriedOut } from './carried-out.ts';
import type { Engine } from './engine/engine.ts';
import { openSqliteEngine } from './engine/sqlite-engine.ts';

let stateFolder: string;
let engine: Engine;
beforeEach(async () => {
  stateFolder = temporaryFolder('carried-out');
  engine = await openSqliteEngine(engineFile(stateFolder));
});
afterEach(async () => {
  await engine[Symbol.asyncDispose]();
  rmSync(stateFolder, { recursive: true, force: true });
});

const swap = { id: 'swap', kind: 'swap' as const, input: { id: 'swap', source: 'database' } };
const settle = {
  id: 'settle',
  kind: 'settle' as const,
  input: { id: 'settle', source: 'database' },
};

function opened(notBefore: (id: string) => Date | undefined = () => undefined) {
  return runsWith({ engine, place: { stateFolder, repositories: {} }, script: { notBefore } }).runs;
}

it('refuses a plan that a run has carried out, and names the run; another plan it lets through', async () => {
  const plan = planOf([swap]);
  const { run } = await opened().start(plan);
  const all = await opened().list();
  expect(() => requireNotCarriedOut(plan, all)).toThrow(
    expect.objectContaining({
      code: 'plan.refused',
      message: expect.stringContaining(`by run ${run}, which was done at ${all[0]?.lastTime}`),
      hint: expect.stringContaining('Make a new plan'),
    }),
  );
  requireNotCarriedOut({ id: 'fedcba9876543210' }, all);
});

it('refuses one whose run keeps what it replaced; one that was given up may be tried again', async () => {
  const plan = planOf([swap, settle]);
  const later = (id: string) => (id === 'settle' ? new Date(Date.now() + 3_600_000) : undefined);
  const { run } = await opened(later).start(plan);
  const all = await opened().list();
  expect(() => requireNotCarriedOut(plan, all)).toThrow(`run ${run}, which had recovered at`);
  await opened().resume(run, { abort: { reason: 'the wrong one' } });
  requireNotCarriedOut(plan, await opened().list());
});
