import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../../../../test/support/postgres.ts';
import { refuseRunning } from './running-server.ts';

const run = promisify(execFile);
const inContainer = ['--pid', '--fork', '--mount-proc'];

async function lookFromContainer(folder: string): Promise<string> {
  const script = `
    import { refuseRunning } from ${JSON.stringify(join(import.meta.dirname, 'running-server.ts'))};
    console.log(await refuseRunning(process.argv[1]).then(() => 'free', (error) => error.code + error.hint));
  `;
  const node = [process.execPath, '--input-type=module', '-e', script, folder];
  return (await run('unshare', [...inContainer, ...node])).stdout.trim();
}

test('in a container, a folder that was not shut down may be in use by a server that is not seen', async (context) => {
  const canUnshare = await run('unshare', [...inContainer, 'true']).then(
    () => true,
    () => false,
  );
  if (!canUnshare) return context.skip('no PID namespace can be made here');
  const folder = temporaryFolder('unseen');
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'global'));
  const control = Buffer.alloc(8192);
  const writeState = async (state: number) => {
    control.writeUInt32LE(state, 16);
    await writeFile(join(folder, 'global/pg_control'), control);
  };
  // In production, and a number that is no process.
  await writeState(6);
  await writeFile(join(folder, 'postmaster.pid'), '4194303\n');
  expect(await lookFromContainer(folder)).toMatch(/^target\.in-use.*postmaster\.pid/);
  await writeState(1);
  expect(await lookFromContainer(folder)).toBe('free');
  await writeState(6);
  await rm(join(folder, 'postmaster.pid'));
  expect(await lookFromContainer(folder)).toBe('free');
  await refuseRunning(folder);
});
