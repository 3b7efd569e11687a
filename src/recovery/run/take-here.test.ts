import { rmSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/support/postgres.ts';
import { engineFile, planOf, runsWith } from '../../../test/support/recovery-run.ts';
import type { Engine } from './engine/engine.ts';
import { openSqliteEngine } from './engine/sqlite-engine.ts';

let stateFolder: string;
let engine: Engine;
beforeEach(async () => {
  stateFolder = temporaryFolder('take-here');
  engine = await openSqliteEngine(engineFile(stateFolder));
});
afterEach(async () => {
  await engine[Symbol.asyncDispose]();
  rmSync(stateFolder, { recursive: true, force: true });
});

it('names the place that another run has as the plan does, and says that users are kept out there', async () => {
  const place = { text: 'volume shop_data', fingerprint: 'engine 3f2c volume shop_data' };
  const freeze = [{ id: 'freeze', kind: 'freeze' as const }];
  const { runs } = runsWith({
    engine,
    place: { stateFolder, repositories: {} },
    script: {
      run() {
        throw new TypeError('no answer');
      },
    },
  });
  await expect(
    runs.start(planOf(freeze, { places: { 'ground database': place } })),
  ).rejects.toMatchObject({
    code: 'run.failed',
    hint: expect.stringContaining('users are kept out'),
  });
  const other = planOf(freeze, { sources: ['uploads'], places: { 'ground uploads': place } });
  await expect(runs.start(other)).rejects.toMatchObject({
    code: 'run.busy',
    message: expect.stringContaining('is paused on the same target (volume shop_data)'),
    context: { target: place.fingerprint },
  });
});
