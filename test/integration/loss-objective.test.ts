// Goal: when more would be lost than was promised, status, doctor and the plan say so.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { filesInstallation } from '../support/files-installation.ts';

it('a restore point that is older than promised is told by status, doctor and plan', async () => {
  await using own = await filesInstallation('docs');
  const promise = (rpo: string) => {
    const plain = readFileSync(own.config, 'utf8').replace(/, objectives: \{[^}]*\}/, '');
    const line = /^( {2}docs: .*) \}$/m;
    writeFileSync(own.config, plain.replace(line, `$1, objectives: { rpo: ${rpo} } }`));
  };
  const seen = async (command: string, type: string, ...more: string[]) => {
    const { exitCode, records } = await own.run(command, ...more);
    return { exitCode, record: records.filter((each) => each.type === type) };
  };
  const file = join(own.source, 'one');
  writeFileSync(file, 'x');

  promise('1h');
  expect((await own.run('backup', 'docs')).exitCode).toBe(0);
  expect((await seen('status', 'source-status')).record).toMatchObject([
    { objective: { rpoMs: 3_600_000, isMissed: false } },
  ]);
  expect((await seen('doctor', 'finding')).record).toContainEqual(
    expect.objectContaining({ check: 'objective', outcome: 'ok' }),
  );

  promise('1s');
  await pause(1100);
  const status = await seen('status', 'source-status');
  expect(status.record).toMatchObject([{ objective: { rpoMs: 1000, isMissed: true } }]);
  expect(status.exitCode).toBe(1);
  const doctor = await seen('doctor', 'finding');
  expect(doctor.record).toContainEqual(
    expect.objectContaining({ check: 'objective', outcome: 'problem' }),
  );
  expect(doctor.exitCode).toBe(1);

  rmSync(file);
  const { record } = await seen('plan', 'plan', '--method', 'restore-files');
  expect(record).toMatchObject([
    {
      predicted: { missedRpoMs: 1000, loss: expect.stringContaining('more than the 1.0 s') },
      steps: expect.anything(),
    },
  ]);
});
