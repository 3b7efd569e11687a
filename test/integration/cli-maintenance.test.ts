import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lifeboat, spawnLifeboat, untilRecord } from '../support/command-line.ts';
import {
  type LocalRepository,
  localRepository,
  testPassword,
} from '../support/local-repository.ts';
import { storeFiles } from '../support/stored-files.ts';

let place: LocalRepository;
let kept: string;

beforeAll(async () => {
  place = await localRepository();
  const lost = await storeFiles(place.repository, { lost: randomBytes(300_000) });
  kept = await storeFiles(place.repository, { kept: randomBytes(300_000) });
  await place.repository.location.remove('snapshots', lost);
});
afterAll(() => place[Symbol.asyncDispose]());

const run = (...args: string[]) =>
  lifeboat([...args, '-r', place.folder, '--json'], {
    cwd: place.folder,
    env: { LIFEBOAT_PASSWORD: testPassword },
  });
const ofType = (result: { readonly records: readonly Record<string, unknown>[] }, type: string) =>
  result.records.filter((record) => record.type === type);

/** Every pack, by folder and name. */
function packs(): string[] {
  const data = join(place.folder, 'data');
  return readdirSync(data).flatMap((part) =>
    readdirSync(join(data, part)).map((name) => join(data, part, name)),
  );
}

describe('maintenance from the command line', () => {
  it('prune shows, marks, removes', async () => {
    const dry = await run('prune', '--dry-run');
    expect(dry.exitCode).toBe(0);
    expect(ofType(dry, 'prune')).toMatchObject([{ dryRun: true, packsUnneeded: 2 }]);
    const first = await run('prune', '--max-unused', '0%');
    expect(ofType(first, 'prune')).toMatchObject([{ filesMarked: 2, filesRemoved: 0 }]);
    const last = await run('prune', '--now');
    expect(ofType(last, 'prune')).toMatchObject([{ filesMarked: 0, filesRemoved: 2 }]);
    expect(packs()).toHaveLength(2);
    const text = await lifeboat(['prune', '-r', place.folder], {
      env: { LIFEBOAT_PASSWORD: testPassword },
    });
    expect(text.stdout).toContain('needed by 1 snapshot');
  });

  it('is refused beside a backup with exit code 11, which names it; or waits', async () => {
    const writer = await place.repository.startBackup();
    const refused = await run('prune');
    expect(refused.exitCode).toBe(11);
    expect(ofType(refused, 'error')).toMatchObject([
      { code: 'repository.locked', context: { pid: process.pid, operation: 'backup' } },
    ]);
    const args = ['prune', '--wait', '1m', '-r', place.folder, '--json'];
    const child = spawnLifeboat(args, { env: { LIFEBOAT_PASSWORD: testPassword } });
    const ended = new Promise((resolve) => child.once('close', resolve));
    const note = await untilRecord(child, ({ type }) => type === 'note');
    expect(note.message).toContain('; waiting for up to');
    await writer[Symbol.asyncDispose]();
    expect(await ended).toBe(0);
  });

  it('check reads a part of the packs', async () => {
    const parts = [await run('check', '--read-data-subset', '1/2')];
    parts.push(await run('check', '--read-data-subset', '2/2'));
    const all = await run('check', '--read-data');
    const bytes = [...parts, all].map((part) => ofType(part, 'check')[0]?.bytesRead as number);
    expect(bytes[2]).toBeGreaterThan(300_000);
    expect(Math.max(bytes[0] as number, bytes[1] as number)).toBeGreaterThan(300_000);
    for (const subset of ['3/2', '0/5', '1/999', '120%', 'much']) {
      expect((await run('check', '--read-data-subset', subset)).exitCode).toBe(2);
    }
  });

  it('unlock lists and removes locks', async () => {
    await using _writer = await place.repository.startBackup();
    const listed = await run('unlock');
    expect(ofType(listed, 'lock')).toMatchObject([{ isStale: false, removed: false }]);
    expect((await run('unlock', '--remove-all')).exitCode).toBe(2);
    const all = await run('unlock', '--remove-all', '--yes', place.folder);
    expect(ofType(all, 'unlock')).toMatchObject([{ locks: 1, removed: 1 }]);
  });

  it('repair makes the index anew, shows what is lost, and gives it up', async () => {
    expect((await run('repair', 'everything')).exitCode).toBe(2);
    for (const name of readdirSync(join(place.folder, 'index'))) {
      rmSync(join(place.folder, 'index', name));
    }
    expect((await run('check')).exitCode).toBe(1);
    const index = await run('repair', 'index');
    expect(ofType(index, 'repair-index')).toMatchObject([{ packsAdded: 2 }]);
    expect((await run('check', '--read-data')).exitCode).toBe(0);

    const large = packs().find((path) => path.length > 0 && path.includes('/data/')) as string;
    for (const path of packs()) if (path === large) rmSync(path, { force: true });
    const shown = await run('repair', 'snapshots');
    expect(shown.exitCode).toBe(3);
    expect(ofType(shown, 'repair-snapshot')).toMatchObject([{ id: kept, dryRun: true }]);
    expect((await run('repair', 'snapshots', '--forget')).exitCode).toBe(2);
    const applied = await run('repair', 'snapshots', kept.slice(0, 8), '--apply', '--forget');
    expect(applied.exitCode, applied.stdout + applied.stderr).toBe(0);
    expect(ofType(applied, 'repair-snapshot')).toMatchObject([{ id: kept, forgotten: true }]);
    expect((await run('repair', 'packs')).exitCode).toBe(2);
    await run('repair', 'index');
    expect((await run('check', '--read-data')).exitCode).toBe(0);
  });
});
