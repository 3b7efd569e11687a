// Once what was replaced is let go of, a run cannot be given up: that is said before anything is undone.
import { rmSync } from 'node:fs';
import { expect, it } from 'vitest';
import { LifeboatError } from '../../src/core/index.ts';
import { openSqliteEngine } from '../../src/recovery/index.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { engineFile, planOf, runsWith } from '../support/recovery-run.ts';

it('is not given up when there is no way back, and nothing is undone', async () => {
  const stateFolder = temporaryFolder('way-back');
  const engine = await openSqliteEngine(engineFile(stateFolder));
  const did: string[] = [];
  let isLost = true;
  const { runs } = runsWith({
    engine,
    place: { stateFolder, repositories: {} },
    script: {
      run(id) {
        did.push(id);
        if (id === 'settle' && isLost) throw new LifeboatError('ground.failed', 'no answer');
      },
      probe: () => 'continue',
      undo: (id) => void did.push(`undo ${id}`),
    },
  });
  const plan = planOf([
    { id: 'swap', kind: 'swap', input: { id: 'swap', source: 'database' } },
    { id: 'settle', kind: 'settle', input: { id: 'settle', source: 'database', of: 'swap' } },
  ]);
  const failed = await runs.start(plan).catch((error) => error);
  expect(failed).toMatchObject({ code: 'run.failed' });
  await expect(
    runs.resume(failed.context.run, { abort: { reason: 'enough' } }),
  ).rejects.toMatchObject({
    code: 'usage.invalid',
    message: expect.stringContaining('the former data of database was let go of'),
  });
  // Somebody else asks for it: the run goes on.
  await runs.say(failed.context.run, { type: 'abort', reason: 'enough' });
  isLost = false;
  expect(await runs.resume(failed.context.run)).toMatchObject({ phase: 'done' });
  expect(did).toEqual(['swap', 'settle', 'settle']);
  await engine[Symbol.asyncDispose]();
  rmSync(stateFolder, { recursive: true });
});
