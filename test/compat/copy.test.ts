import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { Secret } from '../../src/core/index.ts';
import {
  initRepository,
  LocalLocation,
  openRepository,
  type Repository,
} from '../../src/repository/index.ts';
import { findProgram } from '../support/programs.ts';
import { need } from '../support/skip.ts';
import { storeLog, storeSnapshot } from '../support/stored-scene.ts';
import { describeFolder, makeOddFolder } from './odd-folder.ts';
import { storeFolder } from './store-folder.ts';

const passwords = { from: new Secret('Quelle'), to: new Secret('Ziel 🛟') };
let root: string;
let folder: string;
const place = (side: 'from' | 'to') => new LocalLocation(join(root, side));

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'lifeboat-copy-'));
  folder = join(root, 'source');
  mkdirSync(folder);
  makeOddFolder(folder);
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function restic(program: string, side: 'from' | 'to', ...args: string[]): string {
  const other = side === 'from' ? 'to' : 'from';
  const done = spawnSync(program, args, {
    env: {
      ...process.env,
      RESTIC_PASSWORD: passwords[side].reveal(),
      RESTIC_REPOSITORY: place(side).path,
      ...(args[0] === 'copy'
        ? {
            RESTIC_FROM_PASSWORD: passwords[other].reveal(),
            RESTIC_FROM_REPOSITORY: place(other).path,
          }
        : {}),
      RESTIC_CACHE_DIR: join(root, 'cache'),
    },
    encoding: 'utf8',
  });
  expect(done.status, `restic ${args.join(' ')}\n${done.stdout}${done.stderr}`).toBe(0);
  return done.stdout + done.stderr;
}

const init = (side: 'from' | 'to') =>
  initRepository({ location: place(side), password: passwords[side] });
const open = (side: 'from' | 'to') =>
  openRepository({ location: place(side), password: passwords[side] });

async function countOf(repository: Repository): Promise<number> {
  return (await repository.snapshots()).length;
}

describe.each(['restic', 'restic-0.19'])('copies and %s', (name) => {
  const program = (context: TestContext) => need(context, findProgram(name), `no ${name} on PATH`);

  it('it finds nothing wrong in a copy we made, and restores it byte for byte', async (context) => {
    const path = program(context);
    await using from = await init('from');
    await using to = await init('to');
    await storeFolder(from, folder, ['source=odd']);
    writeFileSync(join(folder, 'later'), 'later');
    await storeFolder(from, folder);
    const report = await from.copyTo(to);
    expect(report).toMatchObject({ problems: [], snapshotsPresent: 0 });
    expect(report.snapshots).toHaveLength(2);
    expect(restic(path, 'to', 'check', '--read-data')).toContain('no errors were found');
    restic(path, 'to', 'restore', 'latest', '--target', join(root, 'restored'));
    expect(describeFolder(join(root, 'restored', folder))).toEqual(describeFolder(folder));
    expect((await to.check({ readData: true })).findings).toEqual([]);
  });

  it('a repository it wrote is copied, and neither of us copies anything twice', async (context) => {
    const path = program(context);
    restic(path, 'from', 'init');
    restic(path, 'from', 'backup', folder, '--tag', 'one', '--exclude', 'nothing');
    restic(path, 'from', 'backup', folder, '--tag', 'two');
    await using to = await init('to');
    await using from = await open('from');
    expect((await from.copyTo(to)).snapshots).toHaveLength(2);
    const again = await from.copyTo(to);
    expect(again).toMatchObject({ snapshots: [], snapshotsPresent: 2, blobs: 0, bytesStored: 0 });
    // Stock restic sees that they are there, and goes on with what is new.
    restic(path, 'from', 'backup', folder, '--tag', 'three');
    restic(path, 'to', 'copy');
    expect(await countOf(to)).toBe(3);
    expect(await from.copyTo(to)).toMatchObject({ snapshots: [], snapshotsPresent: 3 });
    // And back again: what came from there is known there.
    expect(await to.copyTo(from)).toMatchObject({ snapshots: [], snapshotsPresent: 3 });
    restic(path, 'from', 'copy');
    expect(await countOf(from)).toBe(3);
    expect(restic(path, 'to', 'check', '--read-data')).toContain('no errors were found');
  });

  it('what its copy leaves behind is named, and brought later', async (context) => {
    const path = program(context);
    await using from = await init('from');
    await using to = await init('to');
    await storeSnapshot(from, [Buffer.from('a data directory')], ['kind:postgres', 'source:shop']);
    await storeLog(from, 2);
    await from.records.append({ kind: 'catalog', source: 'shop', body: {} });
    restic(path, 'to', 'copy');
    expect((await to.check()).findings).toMatchObject([
      { kind: 'log', name: 'shop', severity: 'hint' },
    ]);
    const report = await from.copyTo(to);
    expect(report).toMatchObject({ snapshots: [], snapshotsPresent: 1, records: 1, blobs: 0 });
    expect(report.logSegments).toBe(4);
    expect((await to.check({ readData: true })).findings).toEqual([]);
  });
});
