import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { lifeboatInProcess } from '../support/in-process.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { findProgram } from '../support/programs.ts';
import { startRestServer } from '../support/rest-server.ts';
import { need } from '../support/skip.ts';

// What a person does who follows the examples, or mistypes one.

let folder: string;
const run = (...args: string[]) =>
  lifeboatInProcess(args, { LIFEBOAT_CACHE_FOLDER: 'off', HOME: folder }, folder);

beforeAll(async () => {
  folder = temporaryFolder('cli-slips');
  mkdirSync(join(folder, 'web'));
  writeFileSync(join(folder, 'web', 'index.html'), '<html>');
  writeFileSync(
    join(folder, 'lifeboat.yaml'),
    `
name: shop
repositories:
  main: { location: main, password: { file: main.password } }
  offsite: { location: offsite, password: { file: offsite.password }, copyFrom: main }
sources:
  web: { kind: files, paths: [web], retention: { last: 1 } }
state: state
`,
  );
  for (const name of ['main', 'offsite']) {
    expect((await run('init', '-r', name)).exitCode).toBe(0);
  }
  expect((await run('backup')).exitCode).toBe(0);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('keeps what tells the source of a snapshot when its tags are set', async () => {
  expect((await run('tag', 'latest', '--add', 'lifeboat:flagged')).exitCode).toBe(0);
  expect((await run('tag', 'latest', '--set', 'nightly,web')).exitCode).toBe(0);
  const [snapshot] = (await run('--json', 'snapshots')).records;
  expect(snapshot?.tags).toEqual([
    ...['lifeboat', 'kind:files', 'source:web', 'lifeboat:flagged', 'nightly', 'web'],
  ]);
  expect((await run('restore', 'web', '--target', 'restored')).exitCode).toBe(0);
  const moved = ['tag', 'latest', '--remove', 'lifeboat:flagged,source:web', '--add', 'source:new'];
  expect((await run(...moved)).exitCode).toBe(0);
  const [other] = (await run('--json', 'snapshots', '--source', 'new')).records;
  expect(other?.tags).toEqual(['lifeboat', 'kind:files', 'nightly', 'web', 'source:new']);
  expect((await run('tag', 'latest', '--set', 'source:web')).exitCode).toBe(0);
  expect((await run('status', 'web')).stdout).not.toContain('no backup');
});

it('means the repository that is no copy for --configured too', async () => {
  expect((await run('forget', '--configured', '--dry-run')).exitCode).toBe(0);
});

it.each([
  [['forget', '--source', 'nope', '--keep-last', '1'], 0, 'no snapshot is meant'],
  [['restore', '--target', 'none', '--include', '*.odt'], 0, 'nothing in the snapshot is meant'],
  [['restore', '--target', ''], 2, '--target <folder> is empty'],
  [['restore', '--in-place', '--path', '', '--yes', 'web'], 2, '--path <path> is empty'],
  [['dump', 'latest', ''], 2, 'an argument is empty'],
  [['restore', '--target', '/proc/nowhere'], 1, 'could not open the target folder'],
  [['prune', '--max-unused', '500%'], 2, 'from 0% to 100%'],
  [['cat', 'key'], 2, 'lifeboat key list'],
  [['cat', 'pack', 'zz'], 1, 'an id of this kind of file'],
  [['key', 'passwd', '--new-password-env', 'NOPE'], 1, 'Nothing was changed'],
])('says what to do after %j', async (args, exitCode, text) => {
  const result = await run(...args);
  expect(result.stderr).toContain(text);
  expect(result.exitCode).toBe(exitCode);
});

it('takes an empty text where it means something', async () => {
  expect((await run('snapshots', '--tag', '', '--group-by', '')).exitCode).toBe(0);
  expect((await run('tag', 'latest', '--set', '')).exitCode).toBe(0);
});

it('asks nothing before it removes no locks', async () => {
  const { exitCode, stdout } = await run('unlock', '--remove-all');
  expect(stdout).toContain('there are no locks');
  expect(exitCode).toBe(0);
});

it('joins the lines of a description', async () => {
  const { stdout } = await run('unlock', '--help');
  expect(stdout).toContain('With --remove-all every lock goes');
});

it('counts what an append-only place does not let go among what stays', async (context) => {
  const program = need(context, findProgram('rest-server'), 'no rest-server on PATH');
  await using server = await startRestServer(program, { appendOnly: true });
  const place = ['--location', `rest:${server.url}/x/`, '--password-file', 'main.password'];
  const other = ['--config', join(folder, 'rest.yaml')];
  expect((await run(...other, 'init', '--yes', '--path', 'web', ...place)).exitCode).toBe(0);
  expect((await run(...other, 'backup')).exitCode).toBe(0);
  const { exitCode, stdout } = await run(...other, 'forget', 'latest', '--minimum', '0');
  expect(exitCode).toBe(3);
  expect(stdout).toContain('! 0 snapshots removed, 1 stay');
});
