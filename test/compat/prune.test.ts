import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { Secret } from '../../src/core/index.ts';
import { initRepository, LocalLocation, openRepository } from '../../src/repository/index.ts';
import { findProgram } from '../support/programs.ts';
import { need } from '../support/skip.ts';
import { hashesOf, hashesWanted, storeFiles } from '../support/stored-files.ts';

const password = new Secret('pw');
let root: string;
let place: LocalLocation;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'lifeboat-prune-'));
  place = new LocalLocation(join(root, 'repository'));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function run(program: string, ...args: string[]) {
  const done = spawnSync(program, args, {
    encoding: 'utf8',
    env: {
      ...process.env,
      RESTIC_PASSWORD: password.reveal(),
      RESTIC_REPOSITORY: place.path,
      RESTIC_CACHE_DIR: join(root, 'cache'),
    },
  });
  return { status: done.status, output: done.stdout + done.stderr };
}

function restic(program: string, ...args: string[]): string {
  const { status, output } = run(program, ...args);
  expect(status, `restic ${args.join(' ')}\n${output}`).toBe(0);
  return output;
}

/** Files that are kept, changed and removed from one backup to the next. */
function makeFolder(version: number): string {
  const folder = join(root, 'source');
  mkdirSync(folder, { recursive: true });
  if (version === 1) writeFileSync(join(folder, 'kept'), randomBytes(3_000_000));
  writeFileSync(join(folder, 'changed'), randomBytes(2_000_000));
  writeFileSync(join(folder, 'text'), `version ${version}\n`.repeat(10_000));
  return folder;
}

describe.each(['restic', 'restic-0.19'])('%s', (name) => {
  const program = (context: TestContext) => need(context, findProgram(name), `no ${name} on PATH`);

  it('checks clean and restores what ours pruned, at each phase', async (context) => {
    const path = program(context);
    restic(path, 'init');
    for (const version of [1, 2, 3]) restic(path, 'backup', makeFolder(version));
    cpSync(join(root, 'source'), join(root, 'wanted'), { recursive: true });
    restic(path, 'forget', '--keep-last', '1', '--group-by', '');
    await using repository = await openRepository({ location: place, password });
    const first = await repository.prune({ maxUnused: { bytes: 0 } });
    expect(first.packsRepacked + first.packsUnneeded).toBeGreaterThan(0);
    expect(restic(path, 'check', '--read-data')).toContain('no errors were found');
    const last = await repository.prune({ keepMarkedMs: 0 });
    expect(last.bytesRemoved).toBe(first.bytesMarked);
    expect(restic(path, 'check', '--read-data')).toContain('no errors were found');
    restic(path, 'restore', 'latest', '--target', join(root, 'restored'));
    for (const file of ['kept', 'changed', 'text']) {
      const restored = join(root, 'restored', root, 'source', file);
      expect(readFileSync(restored).equals(readFileSync(join(root, 'wanted', file)))).toBe(true);
    }
    expect(restic(path, 'prune', '--dry-run')).toMatch(/to delete:\s+0 blobs/);
  });

  it('is refused its prune beside our running backup, with our host named', async (context) => {
    const path = program(context);
    await using repository = await initRepository({ location: place, password });
    const files = { one: randomBytes(500_000) };
    const id = await storeFiles(repository, files);
    const other = { two: randomBytes(500_000) };
    await using writer = await repository.startBackup();
    const saved = await writer.saveData(new Uint8Array(other.two));
    const refused = run(path, 'prune');
    expect(refused.status).not.toBe(0);
    expect(refused.output).toContain(hostname());
    const file = { name: 'two', type: 'file', mode: 0o644, mtimeNs: 1n, uid: 0, gid: 0 } as const;
    const tree = await writer.saveTree([{ ...file, content: [saved.id] }]);
    const totals = { filesTotal: 1, bytesTotal: 500_000 };
    const time = new Date();
    await writer.publishSnapshot({ time, tree, paths: ['/two'], tags: [], ...totals });
    await writer[Symbol.asyncDispose]();
    restic(path, 'prune');
    expect((await repository.check({ readData: true })).findings).toEqual([]);
    expect(await hashesOf(repository, id)).toEqual(hashesWanted(files));
  });

  it('prunes between our backups and loses nothing, also what ours had marked', async (context) => {
    const path = program(context);
    await using repository = await initRepository({ location: place, password });
    const [one, two] = [{ one: randomBytes(700_000) }, { two: randomBytes(700_000) }];
    const ids = [
      await storeFiles(repository, one),
      await storeFiles(repository, { ...one, ...two }),
    ];
    restic(path, 'forget', ids[0] as string, '--prune');
    ids.push(await storeFiles(repository, two));
    await place.remove('snapshots', ids[1] as string);
    const ours = await repository.prune({ maxUnused: { bytes: 0 } });
    expect(ours.filesMarked).toBeGreaterThan(0);
    restic(path, 'prune');
    const again = { ...one, three: randomBytes(300_000) };
    ids.push(await storeFiles(repository, again));
    // Its marks name packs that restic has removed.
    expect(await repository.prune({ keepMarkedMs: 0 })).toMatchObject({ filesRemoved: 0 });
    expect(restic(path, 'check', '--read-data')).toContain('no errors were found');
    expect(await hashesOf(repository, ids[2] as string)).toEqual(hashesWanted(two));
    expect(await hashesOf(repository, ids[3] as string)).toEqual(hashesWanted(again));
  });

  it('holds a lock that ours respects and names, and respects ours while it prunes', async (context) => {
    const path = program(context);
    restic(path, 'init');
    await using repository = await openRepository({ location: place, password });
    await storeFiles(repository, { one: randomBytes(300_000) });
    let beside: ReturnType<typeof run> | undefined;
    await repository.prune({
      progress: (event) => {
        if (event.type === 'begin' && beside === undefined) beside = run(path, 'backup', root);
      },
    });
    expect(beside?.status).not.toBe(0);
    expect(beside?.output).toMatch(/lock/);
  });
});
