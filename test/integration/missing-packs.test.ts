import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FileKind, MemoryLocation } from '../../src/repository/index.ts';
import { lifeboatInProcess } from '../support/in-process.ts';
import { memoryRepository } from '../support/memory-repository.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { hashesOf, hashesWanted, storeFiles } from '../support/stored-files.ts';

const [files, fileBytes] = [12, 1_600_000];
let folder: string;
const run = (...args: string[]) =>
  lifeboatInProcess(args, { LIFEBOAT_CACHE_FOLDER: 'off', HOME: folder }, folder);

const packs = () => {
  const data = join(folder, 'main', 'data');
  const names = readdirSync(data).flatMap((part) => readdirSync(join(data, part)));
  return names.map((name) => ({ name, path: join(data, name.slice(0, 2), name) }));
};

async function packOf(type: 'data' | 'tree') {
  for (const pack of packs()) {
    const { stdout } = await run('cat', 'pack', pack.name);
    if (stdout.includes(`"type": "${type}"`)) return pack;
  }
  throw new Error(`no pack of ${type} blobs`);
}

async function backupAgain() {
  const result = await run('--json', 'backup');
  const [summary] = result.records.filter(({ type }) => type === 'backup');
  return { ...result, summary: summary as { snapshot: string; counts: Record<string, number> } };
}

async function expectAllThere(): Promise<void> {
  const checked = await run('check', '--read-data');
  expect(checked.exitCode, checked.stdout).toBe(0);
  await expectRestorable();
}

async function expectRestorable(): Promise<void> {
  const target = join(folder, 'restored');
  expect((await run('restore', '--target', target)).exitCode).toBe(0);
  for (let number = 0; number < files; number++) {
    const path = join(folder, 'documents', 'deep', `file ${number}`);
    expect(readFileSync(join(target, path)).equals(readFileSync(path))).toBe(true);
  }
}

describe('a backup of files that did not change', () => {
  beforeEach(async () => {
    folder = temporaryFolder('missing-packs');
    mkdirSync(join(folder, 'documents', 'deep'), { recursive: true });
    for (let number = 0; number < files; number++) {
      writeFileSync(join(folder, 'documents', 'deep', `file ${number}`), randomBytes(fileBytes));
    }
    const configuration = `
name: office
repositories:
  main: { location: main, password: { file: main.password } }
sources:
  documents: { kind: files, paths: [documents] }
`;
    writeFileSync(join(folder, 'lifeboat.yaml'), configuration);
    expect((await run('init', '-r', 'main')).exitCode).toBe(0);
    expect((await run('backup')).exitCode).toBe(0);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it.each([
    ['is missing', (path: string) => rmSync(path), 0],
    // It stays, for whoever wants to look into it, and is named.
    ['was cut short', (path: string) => truncateSync(path, 1000), 3],
  ])('stores again what lies only in a pack that %s', async (_what, damage, repairExit) => {
    const pack = await packOf('data');
    damage(pack.path);
    const { exitCode, summary, stdout } = await backupAgain();
    expect(exitCode).toBe(3);
    expect(stdout).toContain(pack.name.slice(0, 16));
    expect(stdout).toContain('lifeboat repair index');
    const { filesChanged = 0, filesUnmodified = 0 } = summary.counts;
    expect(filesChanged).toBeGreaterThan(0);
    expect(filesUnmodified).toBeGreaterThan(0);
    expect(filesChanged + filesUnmodified).toBe(files);

    const early = await run('restore', '--target', join(folder, 'before the repair'));
    expect(early.exitCode, early.stdout).toBe(0);
    expect((await run('repair', 'index')).exitCode).toBe(repairExit);
    await expectAllThere();
    const third = await backupAgain();
    expect([third.exitCode, third.summary.counts.filesUnmodified]).toEqual([0, files]);
  });

  it('stores again trees whose pack is missing', async () => {
    const pack = await packOf('tree');
    rmSync(pack.path);
    const { exitCode, summary } = await backupAgain();
    expect(exitCode).toBe(3);
    await expectRestorable();
    expect((await run('repair', 'index')).exitCode).toBe(0);
    // Folders on the way may have changed since the first backup: then one of its trees is lost for good.
    const { stdout } = await run('check', '--read-data');
    expect(stdout).not.toContain(`snapshot ${summary.snapshot.slice(0, 8)}`);
    rmSync(join(folder, 'restored'), { recursive: true });
    await expectRestorable();
  });
});

describe('a writer', () => {
  const content = { one: randomBytes(150_000), two: randomBytes(250_000) };

  it('takes no packs for missing that another backup adds while they are listed', async () => {
    const { files: stored, open } = await memoryRepository();
    await storeFiles(open(), content);
    let listings = 0;
    const early = new (class extends MemoryLocation {
      override async list(kind: FileKind) {
        return kind === 'data' && listings++ === 0 ? [] : await super.list(kind);
      }
    })({ files: stored });
    await using writer = await open(early).startBackup();
    expect([listings, writer.warnings]).toEqual([2, []]);
    const again = await writer.saveData(new Uint8Array(content.one.subarray(0, 100_000)));
    expect(again.isNew).toBe(false);
  });

  it('is told of each missing pack, and knows what other packs hold of it', async () => {
    const { files: stored, open } = await memoryRepository();
    const first = await storeFiles(open(), content);
    const before = [...stored.keys()].filter((name) => name.startsWith('data/'));
    for (const name of before) stored.delete(name);
    const again = open();
    const told: string[] = [];
    {
      await using writer = await again.startBackup({
        progress: (event) => event.type === 'warning' && told.push(event.message),
      });
      expect(writer.warnings).toEqual(told);
      expect(told).toHaveLength(1);
      expect(told[0]).toMatch(/^2 packs that the index names are missing or cut short/);
    }
    await storeFiles(again, content);
    // The index names the old packs first, and still the new ones are read.
    expect(await hashesOf(open(), first)).toEqual(hashesWanted(content));
    await again.repairIndex({ dryRun: false });
    await hashesOf(again, first);
    expect((await again.check({ readData: true })).findings).toEqual([]);
  });

  it('copies to a destination what lies there only in missing packs', async () => {
    const [from, to] = [await memoryRepository(), await memoryRepository()];
    await storeFiles(from.open(), content);
    await from.open().copyTo(to.open());
    for (const name of [...to.files.keys()]) {
      if (name.startsWith('data/')) to.files.delete(name);
    }
    await storeFiles(from.open(), { ...content, three: randomBytes(1000) });
    const report = await from.open().copyTo(to.open());
    expect(report.problems).toEqual([expect.stringContaining('missing or cut short')]);
    const destination = to.open();
    await destination.repairIndex({ dryRun: false });
    const newest = report.snapshots[0]?.id ?? '';
    await hashesOf(destination, newest);
  });
});
