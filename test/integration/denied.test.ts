// What another account may not use: it is told whose it is, and as whom to run, and is never told to move it away.
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteEngine } from '../../src/recovery/index.ts';
import { temporaryFolder } from '../support/postgres.ts';

const main = resolve(import.meta.dirname, '../../src/cli/main.ts');
const nobody = 65534;

// Only root may become somebody else.
describe.runIf(process.getuid?.() === 0)('as an account to which nothing belongs', () => {
  let folder: string;
  let config: string;
  let state: string;
  beforeEach(() => {
    folder = temporaryFolder('denied');
    chmodSync(folder, 0o755);
    [config, state] = [join(folder, 'lifeboat.yaml'), join(folder, 'state')];
    writeFileSync(
      config,
      `name: test\nstate: ${state}\nrepositories:\n  main: { location: ${join(folder, 'repository')}, password: { file: ${join(folder, 'password')} } }\nsources:\n  letters: { kind: files, paths: ['${folder}'] }\n`,
    );
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** The last record of `recover --status`. */
  function asNobody(): {
    readonly code?: string;
    readonly message?: string;
    readonly hint?: string;
  } {
    const { stdout } = spawnSync(
      process.execPath,
      [main, 'recover', '--status', '--config', config, '--json'],
      {
        uid: nobody,
        gid: nobody,
        cwd: '/',
        env: { PATH: process.env.PATH, HOME: '/' },
        encoding: 'utf8',
      },
    );
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  }

  it('says whose the configuration is', () => {
    chmodSync(config, 0o600);
    const { code, message, hint } = asNobody();
    expect(code).toBe('file.unreadable');
    expect(message).toContain(`could not read the configuration ${config}: EACCES`);
    expect(hint).toContain(`${config} belongs to root: run the command as root.`);
  });

  it.each([
    ['closed folder', 0o700],
    ['folder that may be read', 0o755],
  ])('says whose the journal of runs is, in a %s', async (_, mode) => {
    const file = join(state, 'runs.db');
    await using _engine = await openSqliteEngine(file);
    chmodSync(state, mode);
    const { code, hint } = asNobody();
    expect(code).toBe('file.unreadable');
    const closed = mode === 0o700 ? state : file;
    expect(hint).toContain(`${closed} belongs to root: run the command as root. Leave the file`);
    expect(hint).not.toContain('move it away');
  });

  it('names an account that has no name by its number', () => {
    mkdirSync(state, { mode: 0o700 });
    chownSync(state, 64_321, 64_321);
    expect(asNobody().hint).toContain('belongs to the account with number 64321');
  });
});
