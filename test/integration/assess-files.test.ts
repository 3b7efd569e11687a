// What `assess` says of files that went, or were written anew with random bytes, against the newest snapshot. By the real command line.
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { DamageReport, FilesDamage } from '../../src/recovery/index.ts';
import { spawnLifeboat, untilRecord } from '../support/command-line.ts';
import { type FilesInstallation, filesInstallation } from '../support/files-installation.ts';
import { lifeboatInProcess } from '../support/in-process.ts';

const files = 120;
let own: FilesInstallation;

beforeEach(async () => {
  own = await filesInstallation('docs');
  for (let at = 0; at < files; at++) {
    const folder = join(own.source, `folder ${at % 6}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${at}.txt`), `line ${at} of a text that repeats\n`.repeat(200));
  }
  // No UTF-8.
  writeFileSync(Buffer.concat([Buffer.from(`${own.source}/caf`), Buffer.of(0xe9)]), 'x');
  await own.run('backup', 'docs');
});

afterEach(() => own[Symbol.asyncDispose]());

async function assess(...args: string[]) {
  const { exitCode, records } = await own.run('assess', 'docs', ...args);
  const report = records.find(({ type }) => type === 'damage-report') as unknown as DamageReport;
  const [source] = report.sources as readonly [FilesDamage];
  if (!source.files.looked) throw new Error(source.files.why);
  return { exitCode, report, found: source.files.found, points: source.points };
}

function eachFile(change: (path: string, at: number) => void): void {
  const folders = readdirSync(own.source).filter((name) => name.startsWith('folder'));
  const paths = folders.flatMap((folder) =>
    readdirSync(join(own.source, folder)).map((name) => join(own.source, folder, name)),
  );
  for (const [at, path] of paths.entries()) change(path, at);
}

test('of files that are as they were has nothing to tell', async () => {
  const { exitCode, found, points } = await assess();
  expect(exitCode).toBe(0);
  expect(found).toMatchObject({ same: files + 1, signs: [], isWhole: true });
  expect(points).toMatchObject({ looked: true, found: { points: [{ kind: 'newest' }] } });
});

test('counts what went, came and changed', async () => {
  eachFile((path, at) => {
    if (at < 3) rmSync(path);
    else if (at < 5) writeFileSync(path, 'new text');
  });
  writeFileSync(join(own.source, 'one more'), 'x');
  const { exitCode, found } = await assess();
  expect(exitCode).toBe(0);
  expect(found).toMatchObject({
    missing: { files: 3 },
    changed: { files: 2 },
    added: { files: 1 },
    same: files + 1 - 5,
  });
});

test('names a mass deletion', async () => {
  eachFile((path, at) => at % 5 !== 0 && rmSync(path));
  const { exitCode, report } = await assess();
  expect(exitCode).toBe(3);
  expect(report.findings[0]).toMatchObject({
    kind: 'files-missing',
    severity: 'critical',
    text: `${(files * 4) / 5} of ${files + 1} files are gone`,
  });
  expect(report.lossTypes[0]).toMatchObject({ type: 'accidental-deletion' });
});

test('names a folder that is gone as a whole', async () => {
  rmSync(own.source, { recursive: true });
  const { exitCode, report, found } = await assess();
  expect(exitCode).toBe(3);
  expect(report.findings[0]).toMatchObject({ kind: 'path-missing', object: own.source });
  expect(found.missing.files).toBe(files + 1);
});

test('sees encryption in place, with the times of the files set back', async () => {
  const then = new Date('2026-01-01T00:00:00Z');
  eachFile((path) => utimesSync(path, then, then));
  await own.run('backup', 'docs');
  eachFile((path) => {
    writeFileSync(path, randomBytes(6800));
    utimesSync(path, then, then);
  });
  const { exitCode, report, found } = await assess();
  expect(exitCode).toBe(3);
  expect(found.sampled.random).toBeGreaterThan(30);
  expect(found.sampled.wereRandom).toBe(0);
  expect(report.findings[0]).toMatchObject({ kind: 'files-scrambled', severity: 'critical' });
  expect(report.lossTypes[0]).toMatchObject({ type: 'malicious' });
});

test('sees encryption to files with another ending', async () => {
  eachFile((path) => {
    writeFileSync(path, randomBytes(5000));
    renameSync(path, `${path}.locked`);
  });
  const { report, found } = await assess();
  expect(found).toMatchObject({ missing: { files }, added: { files } });
  expect(found.signs).toContain('files went and others came that nearly all end in .locked');
  expect(found.signs.join()).toMatch(/look like random bytes, and did not before/);
  expect(report.lossTypes[0]).toMatchObject({ type: 'malicious' });
});

test('compares with the snapshot before one that is flagged', async () => {
  eachFile((path) => rmSync(path));
  const second = await own.run('backup', 'docs');
  const backup = second.records.find(({ type }) => type === 'backup') as { flagged?: string[] };
  expect(backup.flagged).toHaveLength(1);
  const { exitCode, report, found, points } = await assess();
  expect(exitCode).toBe(3);
  expect(found.missing.files).toBe(files);
  expect(report.findings).toContainEqual(expect.objectContaining({ kind: 'flagged-snapshot' }));
  if (!points.looked) throw new Error(points.why);
  expect(points.found.points.map(({ doubts }) => doubts.length)).toEqual([1, 0]);
});

test('without a snapshot, and without a repository, says so', async () => {
  const empty = await filesInstallation('docs');
  await using _ = empty;
  const none = await empty.run('assess', 'docs');
  const report = none.records.find(
    ({ type }) => type === 'damage-report',
  ) as unknown as DamageReport;
  expect(none.exitCode).toBe(3);
  expect(report.findings[0]).toMatchObject({ kind: 'nothing-restorable' });
  rmSync(empty.repository, { recursive: true });
  const away = await empty.run('assess', 'docs');
  expect(away.exitCode).toBe(1);
  const other = away.records.find(
    ({ type }) => type === 'damage-report',
  ) as unknown as DamageReport;
  expect(other).toMatchObject({
    verdict: 'not-looked',
    sources: [{ files: { looked: false }, points: { looked: false, code: 'repository.missing' } }],
  });
});

test('reads as one page', async () => {
  eachFile((path, at) => at % 5 !== 0 && rmSync(path));
  const { stdout, exitCode } = await lifeboatInProcess(['assess', '--config', own.config], {});
  expect(exitCode).toBe(3);
  const headings = stdout.split('\n').filter((line) => /^\S/.test(line));
  expect(headings.map((line) => line.replace(/ {2}.*$/, ''))).toEqual([
    '✗ damage found: 1 sign',
    'what is lost or broken',
    'what did it',
    'what is still there',
    'what can be recovered to',
    ...(stdout.includes('\ncould not look\n') ? ['could not look'] : []),
    'details',
  ]);
});

test('an interruption shows what was seen until then', async () => {
  const child = spawnLifeboat(['assess', '--config', own.config, '--json']);
  const code = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const report = untilRecord(child, ({ type }) => type === 'damage-report');
  await untilRecord(child, ({ type }) => type === 'task-begin');
  child.kill('SIGINT');
  expect(await report).toMatchObject({ isInterrupted: true, sources: [{ name: 'docs' }] });
  expect(await code).toBe(130);
});
