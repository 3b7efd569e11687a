import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { lifeboatInProcess } from '../support/in-process.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { imageDisk, smallDisk } from '../support/small-disk.ts';

// Goal: a disk that fills up while files are restored or backed up is told as such, damages nothing, and once there is
// room the same command does the rest. Method: a small file system, mounted for the test.

const [smallFiles, smallBytes, largeBytes] = [200, 50_000, 12_000_000];
const mib = 2 ** 20;
let folder: string;
let source: string;
const env = { LIFEBOAT_CACHE_FOLDER: 'off' };
const run = (...args: string[]) => lifeboatInProcess(args, { ...env, HOME: folder }, folder);

beforeAll(() => {
  folder = temporaryFolder('files-disk-full');
  source = join(folder, 'documents');
  mkdirSync(source);
  for (let number = 0; number < smallFiles; number++) {
    writeFileSync(join(source, `small ${number}`), randomBytes(smallBytes));
  }
  writeFileSync(join(source, 'large'), randomBytes(largeBytes));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function configure(repository: string): void {
  const text = `
name: office
repositories:
  main: { location: ${repository}, password: { file: main.password } }
sources:
  documents: { kind: files, paths: [documents] }
`;
  writeFileSync(join(folder, 'lifeboat.yaml'), text);
  rmSync(join(folder, 'main.password'), { force: true });
}

/** Files that differ from those that were backed up, and how many are as they were. */
function compare(target: string): { readonly same: number; readonly different: string[] } {
  const different: string[] = [];
  let same = 0;
  for (const name of existsSync(target) ? readdirSync(target) : []) {
    const isSame = readFileSync(join(target, name)).equals(readFileSync(join(source, name)));
    if (isSame) same++;
    else different.push(name);
  }
  return { same, different };
}

it('a restore to a disk that fills up names it, leaves no small file cut short, and goes on', async (context) => {
  using disk = smallDisk(context, 40);
  configure('main');
  expect((await run('init', '-r', 'main')).exitCode).toBe(0);
  const first = await run('backup');
  expect(first.exitCode, first.stderr).toBe(0);
  const target = join(disk.folder, 'restored');
  const restored = join(target, source);
  disk.fill(6 * mib);
  const refused = await run('restore', '--target', target);
  expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringContaining('[disk.full]')]);
  expect(compare(restored)).toEqual({ same: 0, different: [] });

  const full = await run('restore', '--target', target, '--ignore-space');
  expect(full.exitCode, full.stderr).toBe(1);
  expect(full.stderr).toContain('[disk.full]');
  expect(full.stderr).toContain('run the same command again');
  const { same, different } = compare(restored);
  expect(same).toBeGreaterThan(0);
  expect(different.filter((name) => name !== 'large')).toEqual([]);
  expect(same).toBeLessThanOrEqual(smallFiles);

  disk.makeRoom();
  const again = await run('restore', '--target', target, '--yes', 'documents');
  expect(again.exitCode, again.stderr).toBe(0);
  expect(compare(restored)).toEqual({ same: smallFiles + 1, different: [] });
});

it('a backup to a disk that fills up publishes nothing, harms no former one, and goes through later', async (context) => {
  using disk = smallDisk(context, 60);
  configure(join(disk.folder, 'repository'));
  expect((await run('init', '-r', 'main')).exitCode).toBe(0);
  rmSync(join(folder, 'kept'), { force: true, recursive: true });
  const first = await run('backup');
  expect(first.exitCode, first.stderr).toBe(0);
  const more = join(source, 'more');
  writeFileSync(more, randomBytes(largeBytes));
  try {
    disk.fill(5 * mib);
    const full = await run('backup');
    expect(full.exitCode, full.stderr).toBe(1);
    expect(full.stderr).toContain('[disk.full]');
    const listed = await run('--json', 'snapshots');
    const whole = listed.records.filter(({ type }) => type === 'snapshot');
    expect(whole).toHaveLength(1);
    const checked = await run('check', '--read-data');
    expect(checked.exitCode, checked.stdout).toBe(0);
    const names = readdirSync(join(disk.folder, 'repository'), { recursive: true }).map(String);
    expect(names.filter((name) => name.includes('tmp'))).toEqual([]);
    expect(names.filter((name) => name.startsWith('locks/'))).toEqual([]);

    disk.makeRoom();
    const again = await run('backup');
    expect(again.exitCode, again.stderr).toBe(0);
    const rechecked = await run('check', '--read-data');
    expect(rechecked.exitCode, rechecked.stdout).toBe(0);
    const target = join(folder, 'restored');
    expect((await run('restore', '--target', target)).exitCode).toBe(0);
    expect(compare(join(target, source)).different).toEqual([]);
  } finally {
    rmSync(more);
  }
});

it('what a restore reported survives a loss of power right after it', async (context) => {
  using disk = imageDisk(context, 64);
  configure('main');
  rmSync(join(folder, 'main'), { recursive: true, force: true });
  expect((await run('init', '-r', 'main')).exitCode).toBe(0);
  const first = await run('backup');
  expect(first.exitCode, first.stderr).toBe(0);
  const isThere = (target: string) =>
    disk.afterPowerLoss((after) => compare(join(after, target, source)));
  const unsynced = await run('restore', '--target', join(disk.folder, 'one'), '--skip-sync');
  expect(unsynced.stdout).toContain('--skip-sync was given');
  // The test would tell nothing if the system had written everything by itself already.
  expect(isThere('one').same).toBeLessThan(smallFiles + 1);
  const synced = await run('restore', '--target', join(disk.folder, 'two'));
  expect(synced.exitCode, synced.stderr).toBe(0);
  expect(synced.stdout).toContain('a loss of power takes nothing');
  expect(isThere('two')).toEqual({ same: smallFiles + 1, different: [] });
});
