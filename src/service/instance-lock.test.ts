import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockInstance } from './instance-lock.ts';

describe('the lock of the service', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lifeboat-test-lock-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('lets one in, and the next one when the first is gone', async () => {
    const first = await lockInstance(join(folder, 'state'));
    await expect(lockInstance(join(folder, 'state'))).rejects.toMatchObject({
      code: 'service.running',
    });
    await first[Symbol.asyncDispose]();
    const second = await lockInstance(join(folder, 'state'));
    await second[Symbol.asyncDispose]();
  });

  it('does not stay behind when its holder is killed', async () => {
    const holder = spawn(process.execPath, [
      '-e',
      `require('node:net').createServer().listen(${JSON.stringify(join(folder, 'serve.sock'))}, () => console.log('up'))`,
    ]);
    await new Promise((resolve) => holder.stdout.once('data', resolve));
    await expect(lockInstance(folder)).rejects.toMatchObject({ code: 'service.running' });
    holder.kill('SIGKILL');
    await new Promise((resolve) => holder.once('exit', resolve));
    const lock = await lockInstance(folder);
    await lock[Symbol.asyncDispose]();
  });
});
