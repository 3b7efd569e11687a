import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { lifeboatInProcess } from '../support/in-process.ts';
import { temporaryFolder } from '../support/postgres.ts';

let folder: string;
let site: string;
const run = (...args: string[]) =>
  lifeboatInProcess(args, { LIFEBOAT_CACHE_FOLDER: 'off', HOME: folder }, folder);
const put = (path: string, text = 'text') => {
  mkdirSync(dirname(join(site, path)), { recursive: true });
  writeFileSync(join(site, path), text);
};
const cacheTag = 'Signature: 8a477f597d28d172789f06886806bc55\n';

/** What the backup leaves out, each for another reason. */
const leftOut = [
  'app/node_modules/library/index.js',
  'app/trace.log',
  'app/build/tied/output',
  'elsewhere.tmp',
  'cache/CACHEDIR.TAG/../page',
  'scratch/.nobackup/../notes',
  'large',
].map((path) => join(path));
/** What is new since, or gone from a snapshot for no reason of its own. */
const added = ['app/new.js', 'added/deep/file', 'build/tied/output', 'elsewhere.txt'];

beforeAll(async () => {
  folder = temporaryFolder('left-out');
  site = join(folder, 'site');
  put('app/index.js');
  put('cache/CACHEDIR.TAG', cacheTag);
  put('scratch/.nobackup');
  put('small');
  for (const path of leftOut) put(path, path === 'large' ? 'x'.repeat(5000) : 'text');
  writeFileSync(join(folder, 'patterns'), '# temporary\n*.tmp\n\n');
  writeFileSync(
    join(folder, 'lifeboat.yaml'),
    `
name: site
repositories: { main: { location: repository, password: { file: password } } }
sources:
  site:
    kind: files
    paths: [site]
    exclude: [node_modules/, "*.log", app/build/tied]
    excludeFiles: [patterns]
    excludeIfPresent: [.nobackup]
    excludeCaches: true
    largerThan: 4 KiB
state: state
`,
  );
  expect((await run('init', '-r', 'main')).exitCode).toBe(0);
  expect((await run('backup')).exitCode).toBe(0);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const isThere = (paths: readonly string[]) => paths.map((path) => existsSync(join(site, path)));

describe('an in-place restore with --delete', () => {
  beforeEach(() => {
    for (const path of added) put(path);
    put('added/deep/node_modules/kept');
  });

  it('keeps what the excludes of the snapshot left out, and says so', async () => {
    const plan = await run('restore', '--in-place', '--delete', '--dry-run');
    // One of each in what was there, the folders of two of them, and one in what is new.
    expect(plan.stdout).toContain('8 entries that the backup leaves out by its excludes');
    expect(plan.stdout).toContain(`keep ${join(site, 'app/node_modules').slice(1)}`);
    expect(plan.stdout).toContain('--delete-excluded');
    const done = await run('--json', 'restore', '--in-place', '--delete', '--yes', 'site');
    expect(done.exitCode, done.stdout).toBe(0);
    const [planned, result] = done.records.filter(({ type }) => /^restore/.test(String(type)));
    expect(planned?.leftOutPaths).toHaveLength(8);
    expect(result).toMatchObject({ type: 'restored-files', leftOutEntries: 8 });
    expect(result?.deletedEntries).toBe(planned?.deletedEntries);
    expect(isThere(leftOut)).toEqual(leftOut.map(() => true));
    expect(isThere(added)).toEqual(added.map(() => false));
    expect(existsSync(join(site, 'added/deep/node_modules/kept'))).toBe(true);
  });

  it('deletes that too when it is told to', async () => {
    const alone = await run('restore', '--in-place', '--delete-excluded');
    expect(alone.exitCode).toBe(2);
    const options = ['--in-place', '--delete', '--delete-excluded', '--yes', 'site'];
    expect((await run('restore', ...options)).exitCode).toBe(0);
    expect(isThere([...leftOut, ...added, 'added'])).toEqual(
      [...leftOut, ...added, 'added'].map(() => false),
    );
    expect(isThere(['app/index.js', 'cache/CACHEDIR.TAG', 'scratch/.nobackup', 'small'])).toEqual([
      ...[true, true, true, true],
    ]);
  });
});

it('deletes nothing on what is mounted below a folder that was backed up', async (context) => {
  if (process.getuid?.() !== 0) context.skip('only root can mount a file system');
  const mounted = join(site, 'mounted');
  mkdirSync(mounted, { recursive: true });
  expect((await run('backup')).exitCode).toBe(0);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'lifeboat-test', mounted]);
  try {
    put('mounted/precious');
    put('extra');
    for (const also of [[], ['--delete-excluded']]) {
      const options = ['--in-place', '--delete', ...also, '--yes', 'site'];
      expect((await run('restore', ...options)).exitCode).toBe(0);
      expect(isThere(['mounted/precious', 'extra'])).toEqual([true, false]);
    }
  } finally {
    execFileSync('umount', ['-l', mounted]);
  }
});
