import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { lifeboatInProcess } from '../support/in-process.ts';
import { temporaryFolder } from '../support/postgres.ts';

let folder: string;
const run = (...args: string[]) =>
  lifeboatInProcess(args, { LIFEBOAT_CACHE_FOLDER: 'off', HOME: folder }, folder);

beforeAll(async () => {
  folder = temporaryFolder('first-use');
  mkdirSync(join(folder, 'documents'));
  writeFileSync(join(folder, 'documents', 'letter'), 'Dear Ada');
  writeFileSync(
    join(folder, 'lifeboat.yaml'),
    `
name: office
repositories:
  main: { location: main, password: { file: main.password } }
  offsite: { location: offsite, password: { file: offsite.password }, copyFrom: main }
sources:
  documents: { kind: files, paths: [documents] }
state: state
`,
  );
  for (const name of ['main', 'offsite']) {
    expect((await run('init', '-r', name)).exitCode).toBe(0);
  }
  expect((await run('backup')).exitCode).toBe(0);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('means the repository that is no copy, and the only source, when neither is named', async () => {
  const listed = await run('--json', 'snapshots');
  expect(listed.records.filter(({ type }) => type === 'snapshot')).toHaveLength(1);
  const plan = await run('restore', '--in-place', '--dry-run');
  expect(plan.stdout).toContain(`:${join(folder, 'documents')}) to / would write:`);
  writeFileSync(join(folder, 'documents', 'letter'), 'Dear Mallory');
  const refused = await run('restore', '--in-place', '--yes', '/');
  expect(refused.stderr).toContain('the source is called "documents"');
  expect((await run('restore', '--in-place', '--yes', 'documents')).exitCode).toBe(0);
  expect(readFileSync(join(folder, 'documents', 'letter'), 'utf8')).toBe('Dear Ada');
});

it('does not take an interrupted backup for the latest, nor delete what one lacks', async () => {
  const listed = await run('--json', 'snapshots');
  const whole = String(listed.records.find(({ type }) => type === 'snapshot')?.id);
  writeFileSync(join(folder, 'documents', 'second'), 'Dear Charles');
  expect((await run('backup')).exitCode).toBe(0);
  const tagged = await run('--json', 'tag', 'latest', '--add', 'lifeboat:checkpoint');
  expect(tagged.exitCode, tagged.stderr).toBe(0);
  const again = await run('restore', '--in-place', '--dry-run');
  expect(again.stdout).toContain(`snapshot ${whole.slice(0, 8)} of `);
  const all = (await run('--json', 'snapshots')).records;
  const checkpoint = String(all.filter(({ type }) => type === 'snapshot').at(-1)?.id);
  const place = ['--snapshot', checkpoint, '--target', join(folder, 'restored')];
  expect((await run('restore', ...place, '--delete')).stderr).toContain('is a checkpoint');
  const restored = await run('restore', ...place);
  expect(restored.exitCode).toBe(0);
  expect(restored.stderr).toContain('files are missing in it');
});

it('marks a backup that could not read everything, and deletes nothing for what it lacks', async () => {
  const gone = join(folder, 'gone');
  const two = readFileSync(join(folder, 'lifeboat.yaml'), 'utf8').replace(
    'paths: [documents]',
    'paths: [documents, gone]',
  );
  writeFileSync(join(folder, 'two.yaml'), two);
  const withTwo = (...args: string[]) => run('--config', join(folder, 'two.yaml'), ...args);
  const backup = await withTwo('backup');
  expect(backup.exitCode).toBe(3);
  expect(backup.stderr.split(`${gone}: ENOENT`)).toHaveLength(2);
  mkdirSync(gone);
  const { records } = await run('--json', 'snapshots');
  const newest = records.filter(({ type }) => type === 'snapshot').at(-1);
  expect(newest?.tags).toContain('lifeboat:incomplete');
  expect((await run('status')).stdout).toContain('it lacks what could not be read');
  const refused = await withTwo('restore', '--in-place', '--delete', '--dry-run');
  expect(refused.stderr).toContain('lacks what could not be read');
  expect(refused.exitCode).toBe(2);
  expect((await withTwo('restore', '--in-place', '--dry-run')).exitCode).toBe(0);
  expect((await run('backup')).exitCode).toBe(0);
});

it('changes nothing in a dry run, and replaces no link without being told to', async () => {
  const documents = join(folder, 'documents');
  chmodSync(documents, 0o701);
  utimesSync(documents, 1, 1);
  await run('restore', '--in-place', '--dry-run');
  expect((await run('restore', '--in-place')).exitCode).toBe(2);
  const { mode, mtimeMs } = statSync(documents);
  expect([mode & 0o777, mtimeMs]).toEqual([0o701, 1000]);
  chmodSync(documents, 0o755);
  const target = join(folder, 'linked');
  mkdirSync(target);
  // Where the first folder of the snapshot belongs.
  const [, first = ''] = folder.split('/');
  symlinkSync(documents, join(target, first));
  const refused = await run('restore', '--target', target);
  expect(refused.exitCode).toBe(2);
  expect(refused.stdout).toContain('1 link, device or other entry');
  expect(lstatSync(join(target, first)).isSymbolicLink()).toBe(true);
});

it('deletes nothing but in what was backed up', async () => {
  writeFileSync(join(folder, 'documents', 'new'), 'stays in no snapshot');
  const plan = await run('--json', 'restore', '--in-place', '--delete', '--dry-run');
  const [counts] = plan.records.filter(({ type }) => type === 'restore-plan');
  expect(counts?.deletedPaths).toEqual([join(folder, 'documents', 'new').slice(1)]);
  expect((await run('restore', '--in-place', '--delete', '--yes', 'documents')).exitCode).toBe(0);
  expect(readFileSync(join(folder, 'lifeboat.yaml'), 'utf8')).toContain('office');
});

it('does not say of a repository that does not open that there is no backup', async () => {
  const file = join(folder, 'main.password');
  const password = readFileSync(file);
  writeFileSync(file, 'wrong');
  const status = await run('status');
  writeFileSync(file, password);
  expect(status.exitCode).toBe(1);
  expect(status.stdout).toContain('not known: repository main does not open');
  expect(status.stdout).not.toContain('nothing can be restored');
});

it('does not ask for changes of a configuration that there need not be', async () => {
  const { stderr } = await run('snapshots', '-r', join(folder, 'main'));
  expect(stderr).toContain('Set LIFEBOAT_PASSWORD_FILE');
});
