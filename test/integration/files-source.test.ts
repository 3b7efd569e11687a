import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lifeboat, spawnLifeboat, untilRecord } from '../support/command-line.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { findProgram } from '../support/programs.ts';
import { need } from '../support/skip.ts';

let folder: string;
const configuration = (backup: string) => `
name: office
repositories:
  main: { location: main, password: { file: main.password } }
  offsite: { location: offsite, password: { file: offsite.password }, copyFrom: main, retention: { daily: 30 } }
sources:
  documents: { kind: files, paths: [documents], exclude: ['*.tmp'], excludeIfPresent: [.nobackup], backup: '${backup}' }
  settings: { kind: files, paths: [settings] }
retention: { last: 1, minimum: 1 }
state: state
`;

const run = (...args: string[]) => lifeboat(['--json', ...args], { cwd: folder });
const document = (...names: string[]) => join(folder, 'documents', ...names);

beforeAll(() => {
  folder = temporaryFolder('files-source');
  mkdirSync(document('letters'), { recursive: true });
  mkdirSync(document('scratch'));
  mkdirSync(join(folder, 'settings'));
  writeFileSync(join(folder, 'lifeboat.yaml'), configuration('0 0 1 1 *'));
  writeFileSync(document('letters', 'first.txt'), 'Dear Ada');
  writeFileSync(document('large'), Buffer.alloc(300_000, 'large '));
  writeFileSync(document('half.tmp'), 'no');
  writeFileSync(document('scratch', '.nobackup'), '');
  writeFileSync(document('scratch', 'huge'), 'no');
  symlinkSync('large', document('link'));
  writeFileSync(join(folder, 'settings', 'app.conf'), 'colour = red');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a source of files, from nothing to a restore from the copy', () => {
  it('is examined, backed up with all others, and listed', async () => {
    for (const name of ['main', 'offsite']) {
      expect((await run('init', '-r', name)).exitCode).toBe(0);
    }
    const examined = await run('doctor');
    expect(examined.records.filter(({ outcome }) => outcome === 'problem')).toEqual([]);
    const backup = await run('backup', '--all');
    expect(backup.exitCode).toBe(0);
    const stored = backup.records.filter(({ type }) => type === 'backup');
    expect(stored.map(({ source, kind }) => [source, kind])).toEqual([
      ['documents', 'files'],
      ['settings', 'files'],
    ]);
    appendFileSync(document('letters', 'first.txt'), ', dear Charles');
    expect((await run('backup', 'documents')).exitCode).toBe(0);
    const points = await run('points', 'documents');
    expect(points.records.map(({ type, source }) => [type, source])).toEqual([
      ['snapshot', 'documents'],
      ['snapshot', 'documents'],
    ]);
    // Which of the two is not said.
    expect((await run('backup')).exitCode).toBe(2);
    const status = await run('status');
    expect(status.exitCode).toBe(0);
    expect(status.records.find(({ name }) => name === 'offsite')).toMatchObject({
      copyOf: { name: 'main', missing: 3 },
    });
  }, 180_000);

  it('is copied, forgotten and pruned in the original, and restored from the copy', async (context) => {
    const copy = await run('copy', '--to', 'offsite');
    expect(copy.records.at(-1)).toMatchObject({ type: 'copy', from: 'main', snapshots: 3 });
    const forget = await run('forget', '-r', 'main', '--keep-last', '1', '--minimum', '1');
    expect(forget.exitCode).toBe(0);
    expect((await run('prune', '-r', 'main', '--now')).exitCode).toBe(0);
    expect((await run('copy', '--to', 'offsite')).records.at(-1)).toMatchObject({ snapshots: 0 });
    const target = join(folder, 'restored');
    const newest = copy.records.filter(({ type }) => type === 'copied-snapshot').at(-1);
    const from = ['-r', 'offsite', '--snapshot', String(newest?.id)];
    const restored = await run('restore', ...from, '--target', target);
    expect(restored.exitCode, restored.stdout).toBe(0);
    const found = join(target, folder, 'documents');
    expect(readFileSync(join(found, 'letters', 'first.txt'), 'utf8')).toBe(
      'Dear Ada, dear Charles',
    );
    expect(readFileSync(join(found, 'link'))).toEqual(readFileSync(document('large')));
    const restic = need(context, findProgram('restic'), 'no restic on PATH');
    const check = spawnSync(restic, ['-r', join(folder, 'offsite'), 'check', '--read-data'], {
      env: {
        ...process.env,
        RESTIC_PASSWORD_FILE: join(folder, 'offsite.password'),
        RESTIC_CACHE_DIR: join(folder, 'cache'),
      },
      encoding: 'utf8',
    });
    expect(check.stdout + check.stderr).toContain('no errors were found');
  }, 180_000);

  it('is flagged when nearly everything has changed, which blocks nothing and shows in status', async () => {
    const notes = Array.from({ length: 40 }, (_, nth) => join(folder, 'settings', `note-${nth}`));
    for (const note of notes) writeFileSync(note, 'in plain words');
    const usual = await run('backup', 'settings');
    expect(usual.records.find(({ type }) => type === 'backup')).not.toHaveProperty('flagged');
    for (const note of notes) writeFileSync(note, 'turned into nonsense');
    const odd = await run('backup', 'settings');
    expect(odd.exitCode).toBe(0);
    const flagged = [expect.stringContaining('of the files have changed')];
    expect(odd.records.find(({ type }) => type === 'backup')).toMatchObject({ flagged });
    const status = await run('status', 'settings');
    expect(status.records[0]).toMatchObject({
      source: 'settings',
      flagged: [{ reason: expect.stringMatching(/9\d %/) }],
    });
  }, 180_000);

  it('is backed up on schedule, retained and copied by the service, until it is told to stop', async () => {
    writeFileSync(join(folder, 'lifeboat.yaml'), configuration('*/2 * * * * *'));
    writeFileSync(document('letters', 'second.txt'), 'Dear Charles');
    const child = spawnLifeboat(['--json', 'serve'], { cwd: folder });
    const forgotten = untilRecord(child, ({ type }) => type === 'forget');
    const copied = untilRecord(
      child,
      ({ type, snapshots }) => type === 'copy' && Number(snapshots) > 0,
    );
    const stopped = untilRecord(child, ({ type }) => type === 'service-stopped');
    expect(await forgotten).toMatchObject({ repository: 'main', source: 'documents', kept: 1 });
    expect(await copied).toMatchObject({ from: 'main', to: 'offsite', problems: [] });
    child.kill('SIGTERM');
    await stopped;
    expect(await new Promise((resolve) => child.once('close', resolve))).toBe(0);
    expect((await run('check', '-r', 'offsite', '--read-data')).exitCode).toBe(0);
  }, 180_000);
});
