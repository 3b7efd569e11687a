import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Ask } from '../../src/cli/command.ts';
import { init } from '../../src/cli/commands/init.ts';
import type { Output } from '../../src/cli/output/output.ts';
import { loadConfiguration } from '../../src/config/index.ts';
import { lifeboatInProcess } from '../support/in-process.ts';
import { temporaryFolder } from '../support/postgres.ts';

let folder: string;
const environment = () => ({
  LIFEBOAT_CACHE_FOLDER: 'off',
  HOME: folder,
  // What other tests have there is not looked at.
  DOCKER_HOST: `unix://${folder}/nothing.sock`,
  TRIAL_PASSWORD: 'sesame',
});
const run = (where: string, ...args: string[]) =>
  lifeboatInProcess(args, environment(), join(folder, where));
const place = (name: string) => {
  mkdirSync(join(folder, name, 'docs', 'cache'), { recursive: true });
  writeFileSync(join(folder, name, 'docs', 'letter'), 'Dear Ada');
  writeFileSync(join(folder, name, 'docs', 'draft.tmp'), 'Dear');
  writeFileSync(join(folder, name, 'docs', 'cache', 'page'), '');
  return join(folder, name);
};

beforeAll(() => {
  folder = temporaryFolder('init-files');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('brings a folder without any PostgreSQL to a first backup and back, by options alone', async () => {
  const here = place('options');
  const made = await run(
    'options',
    ...[
      'init',
      '--yes',
      '--source',
      'files',
      '--path',
      'docs',
      '--exclude',
      '*.tmp',
      '--exclude',
      'cache/',
    ],
    ...['--location', 'docs/repository', '--keep', 'last 5, within 14d', '--name', 'office'],
  );
  expect(made.exitCode, made.stderr).toBe(0);
  expect(made.stdout).not.toContain('CREATE ROLE');
  const { sources, retention } = loadConfiguration(join(here, 'lifeboat.yaml'), environment());
  const repository = join(here, 'docs', 'repository');
  const exclude = ['*.tmp', 'cache/', repository];
  expect(sources.files).toMatchObject({ kind: 'files', paths: [join(here, 'docs')], exclude });
  expect(retention).toEqual({ last: 5, within: '14d' });
  const doctor = await run('options', 'doctor');
  expect(doctor.stdout).not.toContain('!');
  expect(doctor.exitCode).toBe(0);
  // The commands that the screen says, as it says them.
  const steps = [...made.stdout.matchAll(/^ {2}\d\. lifeboat (.*?)(?: +#.*)?$/gm)];
  expect(steps.map(([, step]) => step?.split(' ')[0])).toEqual([
    ...['doctor', 'backup', 'restore', 'serve'],
  ]);
  for (const [, step] of steps.slice(0, 3)) {
    const { exitCode, stderr } = await run('options', ...(step as string).split(' '));
    expect(exitCode, stderr).toBe(0);
  }
  const restored = join(here, 'lifeboat-restored', here, 'docs');
  expect(readdirSync(restored)).toEqual(['letter']);
  expect(readFileSync(join(restored, 'letter'), 'utf8')).toBe('Dear Ada');
}, 60_000);

it('takes the password from where it is told, and writes none then', async () => {
  const here = place('password');
  const options = ['--path', 'docs', '--location', 'repository', '--password-env'];
  const made = await run('password', 'init', '--yes', ...options, 'TRIAL_PASSWORD');
  expect(made.exitCode, made.stderr).toBe(0);
  expect(made.stdout).toContain('need TRIAL_PASSWORD');
  expect(existsSync(join(here, 'lifeboat.password'))).toBe(false);
  expect((await run('password', 'backup')).exitCode).toBe(0);
  rmSync(join(here, 'lifeboat.yaml'));
  const other = await run(
    'password',
    'init',
    '--yes',
    '--path',
    'docs',
    '--location',
    'repository',
  );
  expect(other.exitCode).toBe(12);
  expect(other.stderr).toContain(`Write its password into ${join(here, 'lifeboat.password')}`);
  expect(existsSync(join(here, 'lifeboat.yaml'))).toBe(false);
});

it.each([
  [['--path', 'nowhere'], 'nowhere is not there'],
  [['--path', 'docs', '--keep', 'sometimes'], 'cannot keep snapshots by "sometimes"'],
  [['--exclude', '*.tmp', '--connection', 'postgres://l@db/shop'], 'no --path to leave it out of'],
  [['--path', 'docs', '--location', 'ftp://example.com/x'], 'nothing here opens "ftp:"'],
])('writes nothing for %j', async (options, fact) => {
  const here = place('wrong');
  const { exitCode, stderr } = await run('wrong', 'init', '--yes', ...options);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(fact);
  expect(readdirSync(here)).toEqual(['docs']);
});

it('asks for everything on a terminal, and again for what is not there', async () => {
  const here = place('asked');
  const answers = [
    'nowhere',
    'docs',
    '',
    'cache/, *.tmp',
    'repository',
    'now and then',
    'all',
    'x',
  ];
  const warnings: string[] = [];
  const ask: Ask = {
    secret: async () => '',
    text: async () => answers.shift() ?? '',
    choose: async (_question, _choices, initial) =>
      (initial === 'postgres' ? 'files' : initial) as never,
  };
  const output = {
    warn: (message: string) => warnings.push(message),
    report: () => {},
    say: () => {},
  } as unknown as Output;
  const context = {
    ...{ output, ask, environment: environment(), folder: here },
    ...{ configFile: undefined, signal: new AbortController().signal },
  };
  expect(await init.run({ arguments: [], options: {} }, context)).toBe(0);
  expect(answers).toEqual([]);
  expect(warnings).toEqual([
    `${join(here, 'nowhere')} is not there`,
    'cannot keep snapshots by "now and then"',
  ]);
  const { sources, retention } = loadConfiguration(join(here, 'lifeboat.yaml'), environment());
  const [[name, source] = []] = Object.entries(sources);
  expect(name).toMatch(/^([a-z0-9][a-z0-9_-]*-)?files$/);
  expect(source).toMatchObject({ paths: [join(here, 'docs')], exclude: ['cache/', '*.tmp'] });
  expect(retention).toBeUndefined();
});

it('writes a source for each Docker volume that is named', async () => {
  const here = place('volumes');
  const made = await run(
    'volumes',
    ...['init', '--yes', '--volume', 'Shop_uploads', '--volume', 'shop.media'],
    ...['--location', 'repository'],
  );
  expect(made.exitCode, made.stderr).toBe(0);
  expect(made.stdout).toContain('backup shop_uploads');
  const { sources } = loadConfiguration(join(here, 'lifeboat.yaml'), environment());
  expect(sources).toMatchObject({
    shop_uploads: { kind: 'volume', volume: 'Shop_uploads' },
    'shop-media': { kind: 'volume', volume: 'shop.media' },
  });
  place('wrong');
  const wrong = await run('wrong', 'init', '--yes', '--volume', 'a,readonly');
  expect(wrong.exitCode).toBe(2);
  expect(wrong.stderr).toContain('no name of a volume');
});
