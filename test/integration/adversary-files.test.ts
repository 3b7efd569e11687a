import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { lifeboat } from '../support/command-line.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { findProgram } from '../support/programs.ts';
import { need } from '../support/skip.ts';

// What goes wrong around a source of files, from the command line.

let folder: string;
let documents: string;
const run = (...args: string[]) =>
  lifeboat(args, { cwd: folder, env: { LIFEBOAT_CACHE_FOLDER: 'off', HOME: folder } });

beforeEach(async () => {
  folder = temporaryFolder('adversary-files');
  documents = join(folder, 'documents');
  mkdirSync(documents, { mode: 0o755 });
  for (let file = 0; file < 40; file++) {
    writeFileSync(join(documents, `file${file}`), randomBytes(100_000));
  }
  const setUp = [
    '--source',
    'files',
    '--path',
    'documents',
    '--location',
    'repository',
    '--keep',
    'all',
  ];
  expect((await run('init', '--yes', ...setUp)).exitCode).toBe(0);
  expect((await run('backup')).exitCode).toBe(0);
}, 60_000);
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('backs up beside a snapshot file that is damaged', async () => {
  writeFileSync(join(folder, 'repository', 'snapshots', 'ab'.repeat(32)), 'garbage');
  writeFileSync(join(documents, 'new'), 'new');
  const backup = await run('backup');
  expect(backup.stderr).toContain('its bytes do not match its name');
  expect(backup.exitCode).toBe(0);
});

it('ends a dump at damage with an error that names it', async () => {
  const packs = readdirSync(join(folder, 'repository', 'data'), { recursive: true })
    .map((name) => join(folder, 'repository', 'data', String(name)))
    .filter((path) => statSync(path).isFile())
    .toSorted((a, b) => statSync(b).size - statSync(a).size);
  const file = await open(packs[0] as string, 'r+');
  await file.write('garbage', 5000);
  await file.close();
  const dump = await run('dump', 'latest', '/');
  expect(dump.stderr).toContain('[repository.damaged]');
  expect(dump.stderr).not.toContain('assertion');
  expect(dump.exitCode).toBe(1);
});

it('leaves a link on the way alone when it restores in place', async () => {
  mkdirSync(join(folder, 'disk', 'www'), { recursive: true });
  writeFileSync(join(folder, 'disk', 'other'), '');
  writeFileSync(join(folder, 'disk', 'www', 'index'), 'page');
  symlinkSync('disk', join(folder, 'srv'));
  const file = join(folder, 'linked.yaml');
  const linked = (...args: string[]) => run('--config', file, ...args);
  const setUp = ['--source', 'files', '--path', 'srv/www', '--location', 'second'];
  expect((await linked('init', '--yes', ...setUp)).exitCode).toBe(0);
  expect((await linked('backup')).exitCode).toBe(0);
  writeFileSync(join(folder, 'disk', 'www', 'index'), 'defaced');
  const refused = await linked('restore', '--in-place', '--yes', 'files');
  expect(refused.exitCode).toBe(3);
  expect(refused.stdout).toContain('is a link to disk here, and was left as it is');
  expect(readlinkSync(join(folder, 'srv'))).toBe('disk');
  const place = ['--in-place', '--path', join(folder, 'srv', 'www')];
  const done = await linked('restore', ...place, '--yes', 'files');
  expect(done.exitCode, done.stderr).toBe(0);
  expect(readFileSync(join(folder, 'disk', 'www', 'index'), 'utf8')).toBe('page');
});

it('leaves the attributes of what only leads there when it restores in place', async () => {
  chmodSync(folder, 0o711);
  chmodSync(documents, 0o711);
  utimesSync(folder, 1, 1);
  expect((await run('restore', '--in-place', '--yes', 'files')).exitCode).toBe(0);
  expect([folder, documents].map((path) => statSync(path).mode & 0o777)).toEqual([0o711, 0o755]);
  expect(statSync(folder).mtimeMs).toBe(1000);
});

it('does not take the backups of another host for its own', async (context) => {
  const restic = need(context, findProgram('restic-0.19'), 'no restic-0.19 on PATH');
  const password = ['--password-file', join(folder, 'lifeboat.password'), '--no-cache'];
  const options = ['-r', join(folder, 'repository'), ...password];
  execFileSync(restic, ['rewrite', ...options, '--new-host', 'elsewhere', '--forget', 'latest']);
  const status = await run('status');
  expect(status.stdout).toContain('taken on the host elsewhere');
  const restore = ['restore', 'files', '--in-place', '--yes', 'files'];
  expect((await run(...restore)).stderr).toContain('was taken on the host elsewhere');
  writeFileSync(join(documents, 'only here'), '');
  const refused = await run(...restore, '--delete');
  expect(refused.exitCode).toBe(2);
  expect(refused.stderr).toContain('would be deleted');
  const meant = await run(...restore, '--delete', '--snapshot', 'latest');
  expect(meant.exitCode, meant.stderr + meant.stdout).toBe(0);
  expect(readdirSync(documents)).not.toContain('only here');
});
