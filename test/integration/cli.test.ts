import { chmodSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandTable } from '../../src/cli/commands/table.ts';
import { lifeboat } from '../support/command-line.ts';
import { temporaryFolder } from '../support/postgres.ts';

const connection = 'postgres://lifeboat@127.0.0.1:9/shop?sslmode=disable';

describe('the command line', () => {
  let folder: string;
  let config: string;

  beforeAll(async () => {
    folder = temporaryFolder('cli');
    config = join(folder, 'lifeboat.yaml');
    const made = await lifeboat(
      [
        'init',
        '--yes',
        '--json',
        '--location',
        'repository',
        '--connection',
        connection,
        '--name',
        'a shop',
      ],
      { cwd: folder },
    );
    expect(made.stderr + made.stdout).toContain('"type":"init"');
    expect(made.exitCode).toBe(0);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const edited = (name: string, change: (text: string) => string) => {
    const file = join(folder, name);
    writeFileSync(file, change(readFileSync(config, 'utf8')));
    return file;
  };

  it.each(commandTable.map(({ name }) => name))('%s --help shows examples', async (name) => {
    const { exitCode, stdout } = await lifeboat([name, '--help']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`Usage: lifeboat ${name}`);
    expect(stdout).toMatch(new RegExp(`Examples:\\n  lifeboat ${name}`));
    expect(stdout).toContain('--json');
  });

  it('prints its version and its help', async () => {
    const version = JSON.parse(
      readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'),
    ).version;
    expect((await lifeboat(['--version'])).stdout.trim()).toBe(version);
    const help = await lifeboat(['--help']);
    expect(help.exitCode).toBe(0);
    for (const { name, summary } of commandTable) {
      expect(help.stdout).toContain(name);
      expect(help.stdout).toContain(summary.slice(0, 30));
    }
  });

  it.each([
    [['frobnicate'], 'unknown command'],
    [['check', '--frobnicate'], 'unknown option'],
    [['restore', '--to'], 'argument missing'],
    [[], 'no command given'],
  ])('%j is wrong usage: exit code 2', async (args, fact) => {
    const text = await lifeboat(args);
    expect(text.exitCode).toBe(2);
    expect(text.stderr).toContain(fact);
    const json = await lifeboat([...args, '--json']);
    expect(json.exitCode).toBe(2);
    expect(json.records.at(-1)).toMatchObject({
      type: 'error',
      code: 'usage.invalid',
      exitCode: 2,
    });
  });

  describe('init', () => {
    it('keeps configuration and password to itself', () => {
      expect(statSync(config).mode & 0o777).toBe(0o600);
      expect(statSync(join(folder, 'lifeboat.password')).mode & 0o777).toBe(0o600);
      expect(readFileSync(config, 'utf8')).not.toContain(
        readFileSync(join(folder, 'lifeboat.password'), 'utf8').trim(),
      );
    });

    it('never overwrites', async () => {
      const before = readFileSync(config, 'utf8');
      const again = await lifeboat(['init', '--yes', '--json', '--connection', connection], {
        cwd: folder,
      });
      expect(again.exitCode).toBe(2);
      expect(again.records.at(-1)).toMatchObject({ code: 'config.exists' });
      expect(readFileSync(config, 'utf8')).toBe(before);
    });

    it('can be repeated after an interruption', async () => {
      const half = temporaryFolder('cli-half');
      const args = ['init', '--yes', '--json', '--location', 'r', '--connection', connection];
      await lifeboat(args, { cwd: half });
      rmSync(join(half, 'lifeboat.yaml'));
      const again = await lifeboat(args, { cwd: half });
      expect(again.exitCode).toBe(0);
      expect(again.records.at(-1)).toMatchObject({ type: 'init', created: false });
      rmSync(half, { recursive: true });
    });

    it('refuses a password in an argument', async () => {
      const other = temporaryFolder('cli-password');
      const url = 'postgres://lifeboat:hunter2@db/shop';
      const result = await lifeboat(['init', '--yes', '--json', '--connection', url], {
        cwd: other,
      });
      expect(result.exitCode).toBe(2);
      expect(result.stdout + result.stderr).not.toContain('hunter2');
      expect(existsSync(join(other, 'lifeboat.yaml'))).toBe(false);
      rmSync(other, { recursive: true });
    });
  });

  it('opens its repository and finds it whole', async () => {
    const { exitCode, records } = await lifeboat(['check', '--read-data', '--json'], {
      cwd: folder,
    });
    expect(records.at(-1)).toMatchObject({ type: 'check', errors: 0 });
    expect(exitCode).toBe(0);
  });

  it.each([
    ['env', { env: { REPOSITORY_PASSWORD: 'wrong' } }],
    ['a file', { file: true }],
  ])(
    'with a wrong password from %s ends with 12',
    async (_, { env, file }: { env?: Record<string, string>; file?: boolean }) => {
      const wrong = join(folder, 'wrong-password');
      writeFileSync(wrong, 'wrong\n', { mode: 0o600 });
      const setting = file ? `{ file: ${wrong} }` : '{ env: REPOSITORY_PASSWORD }';
      const other = edited('wrong.yaml', (text) =>
        text.replace(/password:\n\s+file: .*/, `password: ${setting}`),
      );
      const result = await lifeboat(['check', '--config', other, '--json'], env ? { env } : {});
      expect(result.records.at(-1)).toMatchObject({ code: 'repository.wrong-password' });
      expect(result.exitCode).toBe(12);
      expect(result.stdout).not.toContain('"wrong"');
    },
  );

  it('takes the password from a command', async () => {
    const other = edited('command.yaml', (text) =>
      text.replace(/password:\n\s+file: (.*)/, 'password: { command: [cat, $1] }'),
    );
    expect((await lifeboat(['check', '-c', other])).exitCode).toBe(0);
  });

  it('without a repository ends with 10', async () => {
    const other = edited('nowhere.yaml', (text) =>
      text.replace(/location: .*/, 'location: ./nowhere'),
    );
    const result = await lifeboat(['check', '--config', other, '--json']);
    expect(result.records.at(-1)).toMatchObject({ code: 'repository.missing' });
    expect(result.exitCode).toBe(10);
  });

  it('says which source there is when another is asked for', async () => {
    const result = await lifeboat(['points', 'moon', '--json'], { cwd: folder });
    expect(result.exitCode).toBe(2);
    expect(result.records.at(-1)).toMatchObject({
      code: 'usage.invalid',
      message: 'there is no source called "moon"',
      hint: 'The configuration has: database.',
    });
  });

  it('names place, expectation and finding of a mistake in the configuration', async () => {
    const other = edited('mistake.yaml', (text) => text.replace('kind: postgres', 'kind: oracle'));
    const result = await lifeboat(['points', '--config', other]);
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain(
      `error: ${other}: sources.database.kind: expected "postgres", "postgres-dump", "files" or "volume", got "oracle" [config.invalid]`,
    );
  });

  it('says where it looked for a configuration', async () => {
    const empty = temporaryFolder('cli-empty');
    const result = await lifeboat(['points'], {
      cwd: empty,
      env: { HOME: empty, XDG_CONFIG_HOME: '' },
    });
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain('[config.missing]');
    expect(result.stderr).toContain(join(empty, 'lifeboat.yaml'));
    rmSync(empty, { recursive: true });
  });

  it('warns of a password file that others can read', async () => {
    const file = join(folder, 'lifeboat.password');
    chmodSync(file, 0o644);
    const result = await lifeboat(['check', '--json'], { cwd: folder });
    chmodSync(file, 0o600);
    expect(result.records).toContainEqual(expect.objectContaining({ type: 'warning' }));
    expect(result.exitCode).toBe(0);
  });

  it('opens a repository by its location, without any configuration', async () => {
    const empty = temporaryFolder('cli-bare');
    const location = join(folder, 'repository');
    const LIFEBOAT_PASSWORD_FILE = join(folder, 'lifeboat.password');
    const run = (env: Record<string, string>, ...args: string[]) =>
      lifeboat(['check', '--json', ...args], { cwd: empty, env: { HOME: empty, ...env } });
    expect((await run({ LIFEBOAT_PASSWORD_FILE }, '-r', location)).exitCode).toBe(0);
    const byEnvironment = { LIFEBOAT_PASSWORD_FILE, LIFEBOAT_REPOSITORY: location };
    expect((await run(byEnvironment)).exitCode).toBe(0);
    expect((await run({ LIFEBOAT_PASSWORD: 'wrong' }, '-r', location)).exitCode).toBe(12);
    expect((await run({}, '-r', location)).records.at(-1)).toMatchObject({
      code: 'secret.unavailable',
    });
    rmSync(empty, { recursive: true });
  });

  it('cannot back up a server that does not answer, and says so', async () => {
    const result = await lifeboat(['backup', '--json'], { cwd: folder });
    expect(result.exitCode).toBe(1);
    expect(result.records.at(-1)).toMatchObject({ type: 'error', code: 'postgres.unreachable' });
  });

  it('changes nothing without the name of the target', async () => {
    const result = await lifeboat(['rescue', '--json'], { cwd: folder });
    expect(result.exitCode).toBe(2);
    expect(result.records.at(-1)).toMatchObject({ code: 'usage.invalid' });
  });
});
