import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPassword } from './password.ts';

describe('a password', () => {
  let folder: string;
  const warnings: string[] = [];
  const surroundings = {
    environment: { PATH: process.env.PATH, SHOP_PASSWORD: 'from env' },
    warn: (message: string) => void warnings.push(message),
  };
  const read = async (setting: Parameters<typeof readPassword>[0]) =>
    (await readPassword(setting, 'password of the repository', surroundings)).reveal();

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'lifeboat-test-password-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('comes from the first line of a file', async () => {
    const file = join(folder, 'password');
    writeFileSync(file, 'correct horse\nsecond line\n', { mode: 0o600 });
    expect(await read({ file })).toBe('correct horse');
    expect(warnings).toEqual([]);
    chmodSync(file, 0o644);
    await read({ file });
    expect(warnings[0]).toContain('others on this machine can read');
  });

  it('comes from the environment, a command or the terminal', async () => {
    expect(await read({ env: 'SHOP_PASSWORD' })).toBe('from env');
    expect(await read({ command: ['printf', '%s\\n', 'a $HOME; b'] })).toBe('a $HOME; b');
    const ask = async () => 'typed';
    const typed = await readPassword({ prompt: true }, 'x', { ...surroundings, ask });
    expect(typed.reveal()).toBe('typed');
  });

  it.each([
    [{ file: '/does/not/exist' }, 'ENOENT'],
    [{ env: 'NOT_SET' }, 'is not set'],
    [{ command: ['false'] as string[] }, 'exit code 1'],
    [{ command: ['true'] as string[] }, 'is empty'],
    [{ command: ['no-such-program-here'] as string[] }, 'ENOENT'],
    [{ prompt: true as const }, 'no terminal'],
  ])('that %j cannot give is an error', async (setting, fact) => {
    await expect(read(setting)).rejects.toMatchObject({
      code: 'secret.unavailable',
      message: expect.stringContaining(fact),
    });
  });

  it('never shows what a failing command printed', async () => {
    const error = await read({
      command: ['sh', '-c', 'echo hunter2; echo hunter2 >&2; exit 3'],
    }).catch((each: Error) => each);
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('hunter2');
  });
});
